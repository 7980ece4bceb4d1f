// Any bytes are a record in one way or none: what opens and decodes is written back as it was.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "encoding/session_body.h"
#include "record.h"
#include "tables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sojourn;
  static const auto tenant = domain::TenantId::parse("t").value();
  const domain::SessionId id;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  // As a record: all but impossible to get past the checksum.
  if (const auto opened = lmdb::open_record("key", bytes)) {
    std::string again(bytes.size(), '\0');
    lmdb::seal_record("key", opened->filed, opened->body, again.data());
    if (again != bytes) std::abort();
  }
  // As a body, behind the checksum.
  if (const auto session = encoding::decoded_body(bytes, tenant, id)) {
    const std::string body = encoding::encoded_body(*session);
    if (body != bytes) std::abort();
    std::string record(body.size() + lmdb::kRecordOverhead, '\0');
    lmdb::seal_record("key", Time(), body, record.data());
    const auto opened = lmdb::open_record("key", record);
    if (!opened || encoding::decoded_body(opened->body, tenant, id) != *session) std::abort();
  }
  // As keys, which `check` reads back.
  if (const auto key = encoding::parsed_session_key(bytes)) {
    if (encoding::SessionKeyBytes(key->tenant, key->id).view() != bytes) std::abort();
  }
  if (const auto key = encoding::parsed_index_key(bytes)) {
    if (key->value.size() <= domain::Identity::kMaxBytes &&
        encoding::index_key(key->session.tenant, key->attribute, key->value, key->session.id) !=
            bytes) {
      std::abort();
    }
  }
  return 0;
}
