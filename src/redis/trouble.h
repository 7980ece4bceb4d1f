// What keeps a client from the servers.
#pragma once

#include <string>

namespace sojourn::redis {

struct Trouble {
  std::string reason;    // for operators: "10.0.0.1:6379: it said: WRONGPASS ...". Holds no secret
  bool lasting = false;  // waiting does not help: a wrong password, a certificate not trusted
};

}  // namespace sojourn::redis
