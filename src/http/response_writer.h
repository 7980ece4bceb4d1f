// Writes an answer as bytes (RFC 9112 section 4).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "http/message.h"

namespace sojourn::http {

// What becomes of the connection after the answer, and so what its Connection field says.
enum class Afterwards {
  keep,          // nothing to say in HTTP/1.1
  keep_and_say,  // for an HTTP/1.0 client that asked
  close,
};

enum class BodySent { yes, no };  // no: the answer to HEAD, which has the framing but not the body

// How the end of a streamed body is told (RFC 9112 6.3). HTTP/1.0 has no chunks: the body lasts
// until the connection closes.
enum class StreamFraming { chunks, until_close };

// Appends the answer to `out`; of one with a stream, the head. `common_fields` are the lines that
// every answer has: see write_common_fields.
void append_response(std::string& out, const Response& response, std::string_view common_fields,
                     BodySent body_sent, Afterwards afterwards, StreamFraming framing);

// False for the statuses that never have one.
bool may_have_body(int status);

// Appends one piece of a stream, and what ends a stream. An empty piece appends nothing.
void append_piece(std::string& out, std::string_view piece, StreamFraming framing);
void append_stream_end(std::string& out, StreamFraming framing);

// Sets `out` to Date (RFC 9110 6.6.1) and the constant fields, each line ended by CRLF.
void write_common_fields(std::string& out, std::chrono::sys_seconds now);

}  // namespace sojourn::http
