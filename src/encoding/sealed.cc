#include "encoding/sealed.h"

#include <xxhash.h>

#include "encoding/bytes.h"

namespace sojourn::encoding {
namespace {

constexpr size_t kChecksumBytes = 8;

uint64_t checksum(std::string_view key, std::string_view bytes) {
  const uint64_t seed = XXH3_64bits(key.data(), key.size());
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace

void seal(std::string_view key, uint8_t version, char* value, size_t content_size) {
  value[0] = static_cast<char>(version);
  const size_t covered = 1 + content_size;
  put_number(value + covered, checksum(key, {value, covered}));
}

std::expected<std::string_view, RecordFault> unsealed(std::string_view key, uint8_t version,
                                                      std::string_view value) {
  if (value.size() < kSealBytes) return std::unexpected(RecordFault::damaged);
  const std::string_view covered = value.substr(0, value.size() - kChecksumBytes);
  const auto stored = number_at<uint64_t>(value.data() + covered.size());
  if (stored != checksum(key, covered)) return std::unexpected(RecordFault::damaged);
  if (static_cast<uint8_t>(value[0]) != version) return std::unexpected(RecordFault::newer);
  return covered.substr(1);
}

}  // namespace sojourn::encoding
