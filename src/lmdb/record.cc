#include "record.h"

#include <algorithm>

#include "encoding/bytes.h"

namespace sojourn::lmdb {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kFiledBytes = 8;

}  // namespace

void seal_record(std::string_view key, Time filed, std::string_view body, char* out) {
  encoding::put_number(out + 1, encoding::bits_of(filed));
  std::copy(body.begin(), body.end(), out + 1 + kFiledBytes);
  encoding::seal(key, kVersion, out, kFiledBytes + body.size());
}

std::expected<OpenedRecord, encoding::RecordFault> open_record(std::string_view key,
                                                               std::string_view record) {
  const auto content = encoding::unsealed(key, kVersion, record);
  if (!content) return std::unexpected(content.error());
  if (content->size() < kFiledBytes) return std::unexpected(encoding::RecordFault::damaged);
  return OpenedRecord{.filed = encoding::time_of(encoding::number_at<uint64_t>(content->data())),
                      .body = content->substr(kFiledBytes)};
}

}  // namespace sojourn::lmdb
