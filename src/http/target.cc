#include "target.h"

#include <array>
#include <cstdint>

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

std::optional<Target> split_target(std::string_view target, Method method) {
  for (const char c : target) {
    if (!kTargetByte[static_cast<uint8_t>(c)]) return std::nullopt;
  }
  if (target.starts_with('/')) return split_path_and_query(target);
  if (target == "*" && method == Method::options) return Target{.path = target, .query = {}};

  size_t authority = 0;
  if (starts_with_ignoring_case(target, "http://")) authority = 7;
  if (starts_with_ignoring_case(target, "https://")) authority = 8;
  if (authority == 0) return std::nullopt;
  const size_t end = std::min(target.find_first_of("/?", authority), target.size());
  if (end == authority) return std::nullopt;  // no host
  if (end < target.size() && target[end] == '/') return split_path_and_query(target.substr(end));
  // No path means "/" (RFC 9110 4.2.3); the slash before the host stands for it, so that the path
  // is always a part of the target.
  return Target{.path = target.substr(authority - 1, 1),
                .query = end < target.size() ? target.substr(end + 1) : std::string_view{}};
}

}  // namespace sojourn::http
