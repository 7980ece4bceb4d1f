// The target of a request line, taken apart (RFC 9112 section 3.2).
#pragma once

#include <optional>
#include <string_view>

#include "http/message.h"

namespace sojourn::http {

// Both are parts of the target, still percent-encoded.
struct Target {
  std::string_view path;   // starts with '/', or is "*" for OPTIONS *
  std::string_view query;  // without the '?'
};

// Origin form ("/a?b"), absolute form ("http://host/a?b", of which the host is not looked at) and,
// for OPTIONS, "*". Nothing for any other text. Bytes that a URI never holds (controls, spaces,
// quotes, '<', '>', '#', anything outside ASCII) are refused; '%' is not looked at, because a bad
// escape in an id means an unknown id and no bad request.
std::optional<Target> split_target(std::string_view target, Method method);

}  // namespace sojourn::http
