// A session as bytes (docs/internals/data-format.md, "A record"). Pure functions.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "domain/session.h"
#include "sealed.h"

namespace sojourn::lmdb {

// All of `session` that a caller can see but tenant and id, which are the key. Equal sessions have
// equal bodies and different ones different bodies. The identity's values are within their limit of
// 256 bytes, the attributes below 4 GiB.
std::string encoded_body(const domain::Session& session);

// The session of that body; every byte must have its use.
std::expected<domain::Session, RecordFault> decoded_body(std::string_view body,
                                                         const domain::TenantId& tenant,
                                                         const domain::SessionId& id);

constexpr size_t kRecordOverhead = kSealBytes + 8;  // filed

// The whole record of a body, to be stored under `key`. `out` has room for body.size() +
// kRecordOverhead bytes.
void seal_record(std::string_view key, Time filed, std::string_view body, char* out);

struct OpenedRecord {
  Time filed;             // in the key of the session's expiry entry
  std::string_view body;  // points into the record
};

// Checks version and checksum.
std::expected<OpenedRecord, RecordFault> open_record(std::string_view key, std::string_view record);

}  // namespace sojourn::lmdb
