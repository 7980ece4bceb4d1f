#include "redis/node_address.h"

#include <charconv>

namespace sojourn::redis {

std::string NodeAddress::text() const {
  const bool is_ipv6 = host.contains(':');
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<uint16_t> parsed_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace sojourn::redis
