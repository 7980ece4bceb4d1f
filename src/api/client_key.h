// Under which name the limits count a client.
#pragma once

#include <string_view>

#include "http/message.h"

namespace sojourn::api {

// Never empty. Points into the request.
inline std::string_view client_key(const http::Request& request) {
  return request.client.limit_key();
}

}  // namespace sojourn::api
