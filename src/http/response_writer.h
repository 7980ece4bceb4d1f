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

enum class BodySent { yes, no };  // no: the answer to HEAD, which has the length but not the body

// Appends the answer to `out`. `common_fields` are the lines that every answer has: see
// write_common_fields.
void append_response(std::string& out, const Response& response, std::string_view common_fields,
                     BodySent body_sent, Afterwards afterwards);

// Sets `out` to Date (RFC 9110 6.6.1) and the constant fields, each line ended by CRLF.
void write_common_fields(std::string& out, std::chrono::sys_seconds now);

}  // namespace sojourn::http
