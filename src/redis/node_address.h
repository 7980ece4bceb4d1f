// Where a Redis server listens.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn::redis {

struct NodeAddress {
  std::string host;  // a name or a literal IPv4 or IPv6 address, without brackets
  uint16_t port = 6379;

  // "127.0.0.1:6379", "[::1]:6379"
  std::string text() const;

  friend auto operator<=>(const NodeAddress&, const NodeAddress&) = default;
};

// 1 to 65535, in decimal digits.
std::optional<uint16_t> parsed_port(std::string_view text);

}  // namespace sojourn::redis
