// The head of a request: request line and fields, and what they say about the framing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/message.h"

namespace sojourn::http {

// More fields than this are 431: no client of an API sends them, and each one costs memory.
inline constexpr size_t kMaxFields = 128;

struct Head {
  Method method = Method::other;
  std::string_view path;
  std::string_view query;
  std::vector<Field> fields;
  bool http_1_0 = false;
  bool keep_alive = false;        // what the client wants (RFC 9112 9.3)
  bool expects_continue = false;  // RFC 9110 10.1.1
  bool chunked = false;
  uint64_t content_length = 0;  // 0 when not given
};

// `bytes` is a head that HeadScan found complete. Fills in `head`, whose memory is reused and whose
// views point into `bytes`; on an error `head` means nothing.
//
// Refused with bad_request beyond what the grammar refuses: Content-Length together with
// Transfer-Encoding, or more than one of either, or a list of lengths (RFC 9112 6.3 allows equal
// ones); a coding other than exactly "chunked"; Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1);
// HTTP/1.1 without Host, more than one Host, a Host that is none (RFC 9112 3.2).
std::optional<Error> parse_head(std::string_view bytes, Head& head);

}  // namespace sojourn::http
