// What all loops' clients share: see client.h. Includes Asio and OpenSSL, so include it in few
// files.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "connect_machine.h"
#include "redis/client.h"
#include "redis/redis_url.h"

namespace sojourn::redis {

class Access {
 public:
  RedisOptions options;
  RedisUrl url;
  Credentials credentials;
  // Null: no TLS. OpenSSL lets several threads make connections from one context.
  std::unique_ptr<boost::asio::ssl::context> tls;
};

}  // namespace sojourn::redis
