#include "redis/node_address.h"

namespace sojourn::redis {

std::string NodeAddress::text() const {
  const bool is_ipv6 = host.contains(':');
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace sojourn::redis
