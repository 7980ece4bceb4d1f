// HeadScan has found the lines: each ends with CR LF, the last one is empty, and no other control
// byte is here but HTAB. What is left is the grammar of each line (RFC 9112 3 and 5), and what the
// fields say about the framing.
#include "head.h"

#include <array>
#include <limits>
#include <utility>

#include "authority.h"
#include "http/fields.h"
#include "target.h"
#include "token.h"

namespace sojourn::http {
namespace {

Method method_of(std::string_view text) {
  switch (text.size()) {
    case 3:
      return text == "GET" ? Method::get : text == "PUT" ? Method::put : Method::other;
    case 4:
      return text == "HEAD" ? Method::head : text == "POST" ? Method::post : Method::other;
    case 6:
      return text == "DELETE" ? Method::delete_ : Method::other;
    case 7:
      return text == "OPTIONS" ? Method::options : Method::other;
    default:
      return Method::other;
  }
}

// Takes a line off `bytes`, without its line end.
std::string_view take_line(std::string_view& bytes) {
  const size_t end = bytes.find('\r');
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(end + 2);
  return line;
}

size_t token_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && is_token_byte(text[length])) ++length;
  return length;
}

class Parser {
 public:
  explicit Parser(Head& head) : head_(head) {}

  std::optional<Error> parse(std::string_view bytes) {
    if (!parse_request_line(take_line(bytes))) return std::move(refusal_);
    for (std::string_view line; !(line = take_line(bytes)).empty();) {
      if (!parse_field(line)) return std::move(refusal_);
    }
    return check_whole() ? std::nullopt : std::move(refusal_);
  }

 private:
  // method SP request-target SP HTTP-version (RFC 9112 3)
  bool parse_request_line(std::string_view line) {
    const size_t method_end = token_length(line);
    if (method_end == 0 || method_end == line.size() || line[method_end] != ' ') {
      return refuse("This is not an HTTP request; send HTTP/1.1.");
    }
    const std::string_view method = line.substr(0, method_end);
    line.remove_prefix(method_end + 1);
    const size_t target_end = std::min(line.find(' '), line.size());
    const auto target = split_target(line.substr(0, target_end), method);
    if (!target) return refuse(target.error());
    const std::string_view version = line.substr(target_end);
    if (version != " HTTP/1.1" && version != " HTTP/1.0") {
      return refuse("The HTTP version is not 1.0 or 1.1; send HTTP/1.1.");
    }
    head_.method = method_of(method);
    head_.http_1_0 = version.ends_with('0');
    head_.path = target->path;
    head_.query = target->query;
    return true;
  }

  // field-name ":" OWS field-value OWS (RFC 9112 5)
  bool parse_field(std::string_view line) {
    if (head_.fields.size() == kMaxFields) {
      return refuse("The request has more than 128 header fields; send fewer.",
                    ErrorKind::headers_too_large);
    }
    const size_t name_end = token_length(line);
    if (name_end == 0 || name_end == line.size() || line[name_end] != ':') {
      return refuse("A header field name is not valid; write 'Name: value'.");
    }
    const Field field{.name = line.substr(0, name_end),
                      .value = trimmed(line.substr(name_end + 1))};
    if (field.value.contains('\x7F')) {
      return refuse("A header field value is not valid; send text only.");
    }
    head_.fields.push_back(field);
    switch (field.name.size()) {
      case 4:
        return !is_named(field, "Host") || read_host(field.value);
      case 6:
        expects_continue_ = expects_continue_ ||
                            (is_named(field, "Expect") && list_has(field.value, "100-continue"));
        return true;
      case 10:
        if (is_named(field, "Connection")) {
          close_ = close_ || list_has(field.value, "close");
          keep_alive_ = keep_alive_ || list_has(field.value, "keep-alive");
        }
        return true;
      case 14:
        return !is_named(field, "Content-Length") || read_content_length(field.value);
      case 17:
        return !is_named(field, "Transfer-Encoding") || read_transfer_encoding(field.value);
      default:
        return true;
    }
  }

  // "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
  // that lacks a Host header field and to any request message that contains more than one Host
  // header field line or a Host header field with an invalid field value." (RFC 9112 3.2) An
  // absolute target wins over Host (3.2.2), which here means only that nobody looks at Host again.
  bool read_host(std::string_view value) {
    if (std::exchange(has_host_, true)) {
      return refuse("The request has more than one Host field; send one.");
    }
    return is_authority(value) ||
           refuse("The Host field is not valid; send 'host' or 'host:port', IPv6 in brackets.");
  }

  bool read_content_length(std::string_view value) {
    if (std::exchange(has_content_length_, true)) {
      return refuse("The request has more than one Content-Length; send one.");
    }
    uint64_t length = 0;
    bool valid = !value.empty();
    for (const char c : value) {
      const auto digit = static_cast<uint64_t>(c - '0');
      valid = valid && c >= '0' && c <= '9' &&
              length <= (std::numeric_limits<uint64_t>::max() - digit) / 10;
      length = length * 10 + digit;
    }
    head_.content_length = length;
    return valid || refuse("The Content-Length is not valid; send one decimal number.");
  }

  bool read_transfer_encoding(std::string_view value) {
    if (!std::exchange(head_.chunked, true) && equals_ignoring_case(value, "chunked")) return true;
    return refuse("The Transfer-Encoding is not valid; send 'chunked' alone, once.");
  }

  bool check_whole() {
    if (head_.chunked && has_content_length_) {
      return refuse("The request has both Content-Length and Transfer-Encoding; send one.");
    }
    if (head_.chunked && head_.http_1_0) {
      return refuse("HTTP/1.0 has no Transfer-Encoding; send Content-Length, or HTTP/1.1.");
    }
    if (!has_host_ && !head_.http_1_0) {
      return refuse("The Host field is missing; HTTP/1.1 needs it.");
    }
    head_.keep_alive = !close_ && (!head_.http_1_0 || keep_alive_);
    head_.expects_continue = expects_continue_ && !head_.http_1_0;
    return true;
  }

  bool refuse(std::string_view detail, ErrorKind kind = ErrorKind::bad_request) {
    refusal_ = Error{kind, std::string(detail)};
    return false;
  }

  Head& head_;
  bool has_host_ = false;
  bool has_content_length_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  std::optional<Error> refusal_;
};

}  // namespace

std::optional<Error> parse_head(std::string_view bytes, Head& head) {
  head.fields.clear();
  head.chunked = false;
  head.content_length = 0;
  return Parser(head).parse(bytes);
}

}  // namespace sojourn::http
