// A session as bytes (docs/internals/data-format.md, "A record"). Pure functions.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "encoding/sealed.h"

namespace sojourn::lmdb {

constexpr size_t kRecordOverhead = encoding::kSealBytes + 8;  // filed

// The whole record of a body, to be stored under `key`. `out` has room for body.size() +
// kRecordOverhead bytes.
void seal_record(std::string_view key, Time filed, std::string_view body, char* out);

struct OpenedRecord {
  Time filed;             // in the key of the session's expiry entry
  std::string_view body;  // points into the record
};

// Checks version and checksum.
std::expected<OpenedRecord, encoding::RecordFault> open_record(std::string_view key,
                                                               std::string_view record);

}  // namespace sojourn::lmdb
