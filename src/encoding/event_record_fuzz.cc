// Any bytes are an event or an idempotency entry in one way or none.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "encoding/event_record.h"
#include "encoding/keys.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sojourn;
  static const auto tenant = domain::TenantId::parse("t").value();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  // As a body, behind the checksum.
  if (const auto event = encoding::decoded_event(bytes, tenant)) {
    if (encoding::encoded_event(*event) != bytes) std::abort();
    if (encoding::time_of_event(bytes) != event->time) std::abort();
    std::string value(bytes.size() + encoding::kSealBytes, '\0');
    encoding::seal_event("key", bytes, value.data());
    if (encoding::open_event("key", value) != bytes) std::abort();
  }
  // As an entry: given the checksum that it should have.
  if (size == 46) {
    std::string value(1 + size + 8, '\0');
    bytes.copy(value.data() + 1, size);
    encoding::seal("key", 1, value.data(), size);
    const auto entry = encoding::decoded_entry("key", value);
    if (!entry || encoding::encoded_entry("key", *entry) != value) std::abort();
  }
  if (const auto entry = encoding::decoded_entry("key", bytes)) {
    if (encoding::encoded_entry("key", *entry) != bytes) std::abort();
  }
  // As names, which are read back.
  if (const auto key = encoding::parsed_session_key(bytes)) {
    if (encoding::SessionKeyBytes(key->tenant, key->id).view() != bytes) std::abort();
  }
  if (const auto key = encoding::parsed_idempotency_key(bytes)) {
    if (encoding::idempotency_key(key->tenant, key->key) != bytes) std::abort();
  }
  return 0;
}
