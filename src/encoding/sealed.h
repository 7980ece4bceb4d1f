// Values that know when they were damaged: a version byte, the content, a checksum at the end
// (docs/internals/data-format.md, "Checksum"). Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace sojourn::encoding {

enum class RecordFault {
  damaged,  // not what was written under this key
  newer,    // a version that this server does not know
};

constexpr size_t kSealBytes = 1 + 8;  // version and checksum

// Completes a value whose content, of `content_size` bytes, stands at value + 1: `value` has room
// for content_size + kSealBytes.
void seal(std::string_view key, uint8_t version, char* value, size_t content_size);

// The content of a sealed value, inside it.
std::expected<std::string_view, RecordFault> unsealed(std::string_view key, uint8_t version,
                                                      std::string_view value);

}  // namespace sojourn::encoding
