// How to reach the Redis servers: options store.redis.*.
#pragma once

#include <cstddef>
#include <string>

#include "base/clock.h"

namespace sojourn::redis {

// What a server's certificate must show before anything is sent to it.
enum class TlsVerify {
  full,  // signed by a known authority, for the host name or address that was asked for
  ca,    // signed by a known authority, whatever it names: for clusters that announce addresses
         // their certificates do not hold
  none,  // anything: protects against listeners, not against impostors
};

struct RedisOptions {
  // redis://[user:password@]host[:port][,host[:port]...][/0], rediss:// for TLS. One server, or
  // some servers of one cluster; the others are found through them.
  std::string url = "redis://127.0.0.1:6379";

  // Instead of those of the URL. A password without a username is the one of the user "default".
  std::string username;
  std::string password;

  // For rediss. Files in PEM. Without an authority file, the system's authorities are asked.
  std::string ca_file;
  std::string certificate_file;  // shown to the servers, together with its key
  std::string key_file;
  TlsVerify verify = TlsVerify::full;

  // From the start of a connection (name resolution, TCP, TLS, AUTH) until it is of use.
  Duration connect_timeout = std::chrono::milliseconds(1000);
  // From the sending of a command until its answer, redirects, retries and reconnects included.
  Duration command_timeout = std::chrono::milliseconds(2000);

  // How long a process that starts waits for servers that cannot be used yet.
  Duration start_timeout = std::chrono::seconds(30);

  // Commands of one loop that wait for one node; one more is refused as overloaded. At least 1.
  size_t max_pending = 4096;

  // A write is acknowledged when so many replicas have it, beside the master. 0: none is asked.
  size_t wait_replicas = 0;
  // How long replicas are waited for. At least 1 ms.
  Duration wait_timeout = std::chrono::milliseconds(500);
};

}  // namespace sojourn::redis
