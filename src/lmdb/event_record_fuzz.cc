// Any bytes are an event or an idempotency entry in one way or none.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "event_record.h"
#include "tables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sojourn;
  static const auto tenant = domain::TenantId::parse("t").value();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  // As a body, behind the checksum.
  if (const auto event = lmdb::decoded_event(bytes, tenant)) {
    if (lmdb::encoded_event(*event) != bytes) std::abort();
    if (lmdb::time_of_event(bytes) != event->time) std::abort();
    std::string value(bytes.size() + lmdb::kSealBytes, '\0');
    lmdb::seal_event("key", bytes, value.data());
    if (lmdb::open_event("key", value) != bytes) std::abort();
  }
  // As an entry: given the checksum that it should have.
  if (size == 46) {
    std::string value(1 + size + 8, '\0');
    bytes.copy(value.data() + 1, size);
    lmdb::seal("key", 1, value.data(), size);
    const auto entry = lmdb::decoded_entry("key", value);
    if (!entry || lmdb::encoded_entry("key", *entry) != value) std::abort();
  }
  if (const auto entry = lmdb::decoded_entry("key", bytes)) {
    if (lmdb::encoded_entry("key", *entry) != bytes) std::abort();
  }
  // As keys, which are read back.
  if (const auto key = lmdb::parsed_event_key(bytes)) {
    if (lmdb::event_key(lmdb::tenant_prefix(key->tenant), key->sequence) != bytes) std::abort();
  }
  if (const auto key = lmdb::parsed_idempotency_key(bytes)) {
    if (lmdb::idempotency_key(key->tenant, key->key) != bytes) std::abort();
  }
  if (const auto key = lmdb::parsed_expiry_key(bytes)) {
    if (lmdb::expiry_key(key->filed, key->kind, key->filed_key) != bytes) std::abort();
  }
  return 0;
}
