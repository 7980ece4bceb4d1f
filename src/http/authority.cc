#include "authority.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.h"
#include "http/ip_address.h"

namespace sojourn::http {
namespace {

// unreserved and sub-delims of RFC 3986, but the comma.
constexpr std::array<bool, 256> kNameByte = [] {
  std::array<bool, 256> allowed{};
  for (size_t c = '0'; c <= '9'; ++c) allowed[c] = true;
  for (size_t c = 'A'; c <= 'Z'; ++c) allowed[c] = true;
  for (size_t c = 'a'; c <= 'z'; ++c) allowed[c] = true;
  for (const char c : std::string_view("-._~!$&'()*+;=")) allowed[static_cast<uint8_t>(c)] = true;
  return allowed;
}();

bool is_name_byte(char c) { return kNameByte[static_cast<uint8_t>(c)]; }

// IPvFuture: "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
bool is_future_address(std::string_view text) {
  if (!text.starts_with('v') && !text.starts_with('V')) return false;
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 1 || dot + 1 == text.size()) return false;
  return std::ranges::all_of(text.substr(1, dot - 1), [](char c) { return hex_digit(c) >= 0; }) &&
         std::ranges::all_of(text.substr(dot + 1),
                             [](char c) { return is_name_byte(c) || c == ':'; });
}

// The length of the host at the start of `text`; 0 when there is none.
size_t host_length(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return 0;
    const std::string_view address = text.substr(1, end - 1);
    const bool is_v6 = address.find(':') != std::string_view::npos && IpAddress::parse(address);
    return is_v6 || is_future_address(address) ? end + 1 : 0;
  }
  size_t i = 0;
  while (i < text.size()) {
    if (is_name_byte(text[i])) {
      ++i;
    } else if (text[i] == '%') {
      if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
        return 0;
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

}  // namespace

bool is_authority(std::string_view text) {
  const size_t host = host_length(text);
  if (host == 0) return false;
  if (host == text.size()) return true;
  return text[host] == ':' &&
         std::ranges::all_of(text.substr(host + 1), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace sojourn::http
