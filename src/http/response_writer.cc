#include "response_writer.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>

namespace sojourn::http {
namespace {

std::string_view status_line(int status) {
  switch (status) {
    case 200:
      return "HTTP/1.1 200 OK\r\n";
    case 201:
      return "HTTP/1.1 201 Created\r\n";
    case 202:
      return "HTTP/1.1 202 Accepted\r\n";
    case 204:
      return "HTTP/1.1 204 No Content\r\n";
    case 301:
      return "HTTP/1.1 301 Moved Permanently\r\n";
    case 302:
      return "HTTP/1.1 302 Found\r\n";
    case 304:
      return "HTTP/1.1 304 Not Modified\r\n";
    case 307:
      return "HTTP/1.1 307 Temporary Redirect\r\n";
    case 308:
      return "HTTP/1.1 308 Permanent Redirect\r\n";
    case 400:
      return "HTTP/1.1 400 Bad Request\r\n";
    case 401:
      return "HTTP/1.1 401 Unauthorized\r\n";
    case 403:
      return "HTTP/1.1 403 Forbidden\r\n";
    case 404:
      return "HTTP/1.1 404 Not Found\r\n";
    case 405:
      return "HTTP/1.1 405 Method Not Allowed\r\n";
    case 408:
      return "HTTP/1.1 408 Request Timeout\r\n";
    case 409:
      return "HTTP/1.1 409 Conflict\r\n";
    case 412:
      return "HTTP/1.1 412 Precondition Failed\r\n";
    case 413:
      return "HTTP/1.1 413 Content Too Large\r\n";
    case 415:
      return "HTTP/1.1 415 Unsupported Media Type\r\n";
    case 422:
      return "HTTP/1.1 422 Unprocessable Content\r\n";
    case 429:
      return "HTTP/1.1 429 Too Many Requests\r\n";
    case 431:
      return "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    case 500:
      return "HTTP/1.1 500 Internal Server Error\r\n";
    case 503:
      return "HTTP/1.1 503 Service Unavailable\r\n";
    default:
      return {};
  }
}

void append_number(std::string& out, size_t number, int base) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), number, base).ptr;
  out.append(digits.begin(), end);
}

}  // namespace

// "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx
// or 204" (RFC 9110 8.6), and neither these nor 304 have a body (RFC 9112 6.3).
bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

void append_response(std::string& out, const Response& response, std::string_view common_fields,
                     BodySent body_sent, Afterwards afterwards, StreamFraming framing) {
  if (const std::string_view line = status_line(response.status); !line.empty()) {
    out.append(line);
  } else {
    fmt::format_to(std::back_inserter(out), "HTTP/1.1 {:03} \r\n", response.status);
  }
  out.append(common_fields);
  if (may_have_body(response.status)) {
    if (response.stream || !response.body.empty()) {
      out.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
    if (!response.stream) {
      out.append("Content-Length: ");
      append_number(out, response.body.size(), 10);
      out.append("\r\n");
    } else if (framing == StreamFraming::chunks) {
      out.append("Transfer-Encoding: chunked\r\n");
    }
  }
  switch (afterwards) {
    case Afterwards::keep:
      break;
    case Afterwards::keep_and_say:
      out.append("Connection: keep-alive\r\n");
      break;
    case Afterwards::close:
      out.append("Connection: close\r\n");
      break;
  }
  out.append(response.extra_fields).append("\r\n");
  if (body_sent == BodySent::yes && !response.stream && may_have_body(response.status)) {
    out.append(response.body);
  }
}

void append_piece(std::string& out, std::string_view piece, StreamFraming framing) {
  if (piece.empty()) return;  // a chunk without data would end the body (RFC 9112 7.1)
  if (framing == StreamFraming::until_close) {
    out.append(piece);
    return;
  }
  append_number(out, piece.size(), 16);
  out.append("\r\n").append(piece).append("\r\n");
}

void append_stream_end(std::string& out, StreamFraming framing) {
  if (framing == StreamFraming::chunks) out.append("0\r\n\r\n");
}

void write_common_fields(std::string& out, std::chrono::sys_seconds now) {
  using namespace std::chrono;
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = floor<days>(now);
  const year_month_day date(day);
  const hh_mm_ss time(now - day);
  out.clear();
  fmt::format_to(std::back_inserter(out),
                 "Date: {}, {:02} {} {:04} {:02}:{:02}:{:02} GMT\r\n"
                 "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
                 kDays[weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                 kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                 time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace sojourn::http
