// Opens the listening sockets of one address: plain POSIX, no event loop.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace sojourn::http {

struct ListeningSockets {
  std::vector<FileDescriptor> sockets;  // IPv4 or IPv6, all on one address
  bool ipv6 = false;
  std::string address;  // with the port that was picked: "127.0.0.1:9092", "[::1]:9092"
};

// Opens `count` sockets that share `address` ("HOST:PORT", an IPv6 host in brackets, port 0 picks a
// free one) by SO_REUSEPORT, so that the kernel spreads connections over them. An address that is
// no address, or is taken, or cannot be bound: invalid_parameter with a sentence that names it.
Result<ListeningSockets> open_listening_sockets(const std::string& address, size_t count);

}  // namespace sojourn::http
