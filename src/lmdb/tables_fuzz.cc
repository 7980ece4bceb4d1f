// Any bytes are a key in one way or none.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sojourn;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto key = lmdb::parsed_event_key(bytes)) {
    if (lmdb::event_key(encoding::tenant_prefix(key->tenant), key->number) != bytes) std::abort();
  }
  if (const auto key = lmdb::parsed_expiry_key(bytes)) {
    if (lmdb::expiry_key(key->filed, key->kind, key->filed_key) != bytes) std::abort();
  }
  return 0;
}
