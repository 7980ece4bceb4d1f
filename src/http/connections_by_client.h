// How many connections each client address holds.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "http/ip_address.h"

namespace sojourn::http {

// Any thread. A client is what limit_key() says. Remembers nobody who holds none, so that it is no
// larger than the number of open connections.
class ConnectionsByClient {
 public:
  // One more for this client; false, and it is not counted, when it has `most` already. 0: there is
  // no limit.
  bool take(const IpAddress& client, size_t most);
  // One fewer, of those that were taken.
  void give_back(const IpAddress& client);

  size_t clients() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, size_t, std::less<>> open_;
};

}  // namespace sojourn::http
