// Big-endian numbers in and out of bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sojourn::encoding {

template <std::unsigned_integral N>
void put_number(char* out, N number) {
  for (size_t i = 0; i < sizeof(N); ++i) {
    out[i] = static_cast<char>(static_cast<uint8_t>(number >> (8 * (sizeof(N) - 1 - i))));
  }
}

// `bytes` holds at least sizeof(N) bytes.
template <std::unsigned_integral N>
N number_at(const char* bytes) {
  N number = 0;
  for (size_t i = 0; i < sizeof(N); ++i) {
    number = static_cast<N>(static_cast<N>(number << (sizeof(N) > 1 ? 8 : 0)) |
                            static_cast<uint8_t>(bytes[i]));
  }
  return number;
}

template <std::unsigned_integral N>
void append_number(std::string& out, N number) {
  char bytes[sizeof(N)];
  put_number(bytes, number);
  out.append(bytes, sizeof(N));
}

inline uint64_t bits_of(Time time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}
inline Time time_of(uint64_t bits) { return Time(Duration(static_cast<int64_t>(bits))); }

}  // namespace sojourn::encoding
