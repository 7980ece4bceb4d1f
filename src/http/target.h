// The target of a request line, taken apart (RFC 9112 section 3.2).
#pragma once

#include <expected>
#include <string_view>

namespace sojourn::http {

// Both are parts of the target, still percent-encoded.
struct Target {
  std::string_view path;   // starts with '/'; or "*" or an authority: see split_target
  std::string_view query;  // without the '?'
};

// Origin form ("/a?b"); absolute form ("http://host/a?b"), whose host must be one and means nothing
// more; and two that mean the server as a whole and not a path: "*" for OPTIONS, authority form
// ("host:80") for CONNECT. The error is a sentence for the client, of static storage. Bytes that a
// URI never holds (controls, spaces, quotes, '<', '>', '#', anything outside ASCII) are refused;
// '%' is not looked at, because a bad escape in an id means an unknown id and no bad request.
std::expected<Target, std::string_view> split_target(std::string_view target,
                                                     std::string_view method);

}  // namespace sojourn::http
