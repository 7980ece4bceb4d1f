// Under which name the limits count a client.
#pragma once

#include <string_view>

#include "http/message.h"

namespace sojourn::api {

// The bytes of its IPv4 address, or the first 64 bits of its IPv6 address: who has one address
// there mostly has them all (RFC 6177). Never empty. Points into the request.
inline std::string_view client_key(const http::Request& request) {
  return request.client.bytes().substr(0, 8);
}

}  // namespace sojourn::api
