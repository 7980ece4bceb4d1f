#include "target.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "authority.h"
#include "base/text.h"

namespace sojourn::http {
namespace {

// Visible ASCII but " # < >. Stricter than nginx, laxer than RFC 3986: browsers send | ^ ` { } and
// backslash in a query without encoding them.
constexpr std::array<bool, 256> kTargetByte = [] {
  std::array<bool, 256> allowed{};
  for (size_t c = 0x21; c <= 0x7E; ++c) allowed[c] = true;
  for (const char c : {'"', '#', '<', '>'}) allowed[static_cast<uint8_t>(c)] = false;
  return allowed;
}();

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && equals_ignoring_case(text.substr(0, start.size()), start);
}

Target split_path_and_query(std::string_view text) {
  const size_t mark = text.find('?');
  if (mark == std::string_view::npos) return {.path = text, .query = {}};
  return {.path = text.substr(0, mark), .query = text.substr(mark + 1)};
}

}  // namespace

std::expected<Target, std::string_view> split_target(std::string_view target,
                                                     std::string_view method) {
  constexpr std::string_view kInvalid = "The request target is not valid; percent-encode it.";
  constexpr std::string_view kNoHost =
      "The host of the request target is not valid; send 'http://host:port/path', without a user.";
  for (const char c : target) {
    if (!kTargetByte[static_cast<uint8_t>(c)]) return std::unexpected(kInvalid);
  }
  if (target.starts_with('/')) return split_path_and_query(target);
  if (target == "*" && method == "OPTIONS") return Target{.path = target, .query = {}};
  if (method == "CONNECT") {
    // "A client MUST send the port number even if the CONNECT request is based on a URI reference
    // that contains an authority component with an elided port" (RFC 9112 3.2.3).
    const bool has_port = !target.ends_with(':') && !target.ends_with(']') && target.contains(':');
    if (!is_authority(target) || !has_port) return std::unexpected(kNoHost);
    return Target{.path = target, .query = {}};
  }

  size_t authority = 0;
  if (starts_with_ignoring_case(target, "http://")) authority = 7;
  if (starts_with_ignoring_case(target, "https://")) authority = 8;
  if (authority == 0) return std::unexpected(kInvalid);
  const size_t end = std::min(target.find_first_of("/?", authority), target.size());
  if (!is_authority(target.substr(authority, end - authority))) return std::unexpected(kNoHost);
  if (end < target.size() && target[end] == '/') return split_path_and_query(target.substr(end));
  // No path means "/" (RFC 9110 4.2.3); the slash before the host stands for it, so that the path
  // is always a part of the target.
  return Target{.path = target.substr(authority - 1, 1),
                .query = end < target.size() ? target.substr(end + 1) : std::string_view{}};
}

}  // namespace sojourn::http
