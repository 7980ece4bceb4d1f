// What keeps a client from the servers.
#pragma once

#include <string>
#include <string_view>

namespace sojourn::redis {

struct Trouble {
  std::string reason;    // for operators: "10.0.0.1:6379: it said: WRONGPASS ...". Holds no secret
  bool lasting = false;  // waiting does not help: a wrong password, a certificate not trusted
};

// Of the codes of error replies, those that only an operator changes.
inline bool is_lasting(std::string_view code) {
  return code == "WRONGPASS" || code == "NOAUTH" || code == "NOPERM";
}

}  // namespace sojourn::redis
