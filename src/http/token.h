// The characters of methods and field names.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sojourn::http {

inline constexpr std::array<bool, 256> kTokenByte = [] {
  std::array<bool, 256> allowed{};
  for (size_t c = '0'; c <= '9'; ++c) allowed[c] = true;
  for (size_t c = 'A'; c <= 'Z'; ++c) allowed[c] = true;
  for (size_t c = 'a'; c <= 'z'; ++c) allowed[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) allowed[static_cast<uint8_t>(c)] = true;
  return allowed;
}();

// tchar (RFC 9110 5.6.2).
constexpr bool is_token_byte(char c) { return kTokenByte[static_cast<uint8_t>(c)]; }

}  // namespace sojourn::http
