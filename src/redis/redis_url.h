// The URL of a Redis server or cluster: redis://[user:password@]host[:port][,host[:port]...][/0].
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "redis/node_address.h"

namespace sojourn::redis {

struct RedisUrl {
  bool tls = false;  // rediss://
  std::string username;
  std::string password;
  std::vector<NodeAddress> nodes;  // at least one

  friend bool operator==(const RedisUrl&, const RedisUrl&) = default;
};

// User and password may be percent-encoded (RFC 3986), and must be where they hold one of :/@,?#%.
// A user without ":" is refused, because some programs take it for the password. Failures are
// invalid_parameter and never show what may be a password.
Result<RedisUrl> parsed_url(std::string_view text);

}  // namespace sojourn::redis
