#include "head.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <utility>

#include "base/text.h"
#include "target.h"

namespace sojourn::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;
using beast::http::verb;
using boost::system::error_code;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Method method_of(verb verb) {
  switch (verb) {
    case verb::get:
      return Method::get;
    case verb::head:
      return Method::head;
    case verb::put:
      return Method::put;
    case verb::post:
      return Method::post;
    case verb::delete_:
      return Method::delete_;
    case verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

// True when `list`, separated by commas, has `word` (RFC 9110 5.6.1).
bool list_has(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (equals_ignoring_case(trimmed(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// uri-host [ ":" port ] (RFC 9110 7.2), by its characters only: enough to refuse lists, paths and
// user names. No comma, though a registered name may hold one: it is how proxies join two fields.
bool is_host(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:[]%!$&'()*+;=").contains(c);
  });
}

std::string_view sentence_of(const error_code& code) {
  using beast::http::error;
  if (code == error::bad_version) return "The HTTP version is not 1.0 or 1.1; send HTTP/1.1.";
  if (code == error::bad_target) return "The request target is not valid; percent-encode it.";
  if (code == error::bad_field) return "A header field name is not valid; write 'Name: value'.";
  if (code == error::bad_value) return "A header field value is not valid; send text only.";
  if (code == error::bad_content_length || code == error::multiple_content_length) {
    return "The Content-Length is not valid; send one decimal number, or chunks without it.";
  }
  if (code == error::bad_transfer_encoding) {
    return "The Transfer-Encoding is not valid; send 'chunked' alone and no Content-Length.";
  }
  return "This is not an HTTP request; send HTTP/1.1.";
}

// Beast's parser, on a head that is whole and in one piece, so that it only ever hands out views
// into it. Bodies are not its business: see chunk_reader.h.
class Parser final : public beast::http::basic_parser<true> {
 public:
  explicit Parser(Head& head) : head_(head) {}

  std::optional<Error> parse(std::string_view bytes) {
    header_limit(std::numeric_limits<uint32_t>::max());  // HeadScan's user keeps the limit
    body_limit(boost::none);
    error_code code;
    const size_t parsed = put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
    if (refusal_) return refusal_;
    if (code || parsed != bytes.size()) {
      return Error{ErrorKind::bad_request, std::string(sentence_of(code))};
    }
    return check_whole();
  }

 private:
  void on_request_impl(verb verb, beast::string_view, beast::string_view target, int version,
                       error_code& code) override {
    head_.method = method_of(verb);
    head_.http_1_0 = version == 10;
    const auto parts = split_target(view(target), head_.method);
    if (!parts) {
      code = beast::http::error::bad_target;
      return;
    }
    head_.path = parts->path;
    head_.query = parts->query;
  }

  void on_field_impl(field field, beast::string_view name, beast::string_view value_seen,
                     error_code& code) override {
    const std::string_view value = view(value_seen);
    if (head_.fields.size() == kMaxFields) {
      return refuse(ErrorKind::headers_too_large,
                    "The request has more than 128 header fields; send fewer.", code);
    }
    head_.fields.push_back({.name = view(name), .value = value});
    switch (field) {
      case field::host:
        return on_host(value, code);
      case field::content_length:
        return on_content_length(value, code);
      case field::transfer_encoding:
        return on_transfer_encoding(value, code);
      case field::connection:
        close_ = close_ || list_has(value, "close");
        keep_alive_ = keep_alive_ || list_has(value, "keep-alive");
        return;
      case field::expect:
        expects_continue_ = expects_continue_ || equals_ignoring_case(value, "100-continue");
        return;
      default:
        return;
    }
  }

  void on_host(std::string_view value, error_code& code) {
    if (std::exchange(has_host_, true)) {
      return refuse("The request has more than one Host field; send one.", code);
    }
    if (!is_host(value)) refuse("The Host field is not a host name; send 'host:port'.", code);
  }

  // Beast has read the number (and refused what is none), but lets equal lengths and lists pass.
  void on_content_length(std::string_view value, error_code& code) {
    if (std::exchange(has_content_length_, true)) {
      return refuse("The request has more than one Content-Length; send one.", code);
    }
    uint64_t length = 0;
    for (const char c : value) {
      if (c < '0' || c > '9') {
        return refuse("The Content-Length is not valid; send one decimal number.", code);
      }
      length = length * 10 + static_cast<uint64_t>(c - '0');  // fits: Beast would have refused it
    }
    head_.content_length = length;
  }

  // Beast refuses Content-Length beside "chunked", but only then.
  void on_transfer_encoding(std::string_view value, error_code& code) {
    if (std::exchange(head_.chunked, true) || !equals_ignoring_case(value, "chunked")) {
      refuse("The Transfer-Encoding is not valid; send 'chunked' alone, once.", code);
    }
  }

  std::optional<Error> check_whole() {
    if (head_.chunked && has_content_length_) {
      return bad("The request has both Content-Length and Transfer-Encoding; send one.");
    }
    if (head_.chunked && head_.http_1_0) {
      return bad("HTTP/1.0 has no Transfer-Encoding; send Content-Length, or HTTP/1.1.");
    }
    if (!has_host_ && !head_.http_1_0) return bad("The Host field is missing; HTTP/1.1 needs it.");
    head_.keep_alive = !close_ && (!head_.http_1_0 || keep_alive_);
    head_.expects_continue = expects_continue_ && !head_.http_1_0;
    return std::nullopt;
  }

  static Error bad(std::string_view detail) {
    return {ErrorKind::bad_request, std::string(detail)};
  }
  void refuse(std::string_view detail, error_code& code) {
    refuse(ErrorKind::bad_request, detail, code);
  }
  void refuse(ErrorKind kind, std::string_view detail, error_code& code) {
    refusal_ = Error{kind, std::string(detail)};
    code = beast::http::error::bad_field;  // any error stops the parser
  }

  // Never called: the head of a request only.
  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(uint64_t, beast::string_view, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, beast::string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

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
