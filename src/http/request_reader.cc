#include "request_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "token.h"

namespace sojourn::http {
namespace {

constexpr size_t kFirstBuffer = 4096;  // holds every usual head and a small pipeline
constexpr size_t kLeastRoom = 1024;    // smaller reads would cost more than they bring
constexpr size_t kKeptBody = 8192;     // a larger body buffer is given back
constexpr size_t kMaxLineEnds = 8;     // empty lines before a request (RFC 9112 2.2)
constexpr size_t kMaxMethod = 32;      // the longest one that IANA lists has 17 characters

// False when a request line cannot begin like this: what is not HTTP is refused at its first bytes
// and not when its time is over. Says the same however the bytes arrive.
bool may_begin_request(std::string_view bytes) {
  size_t length = 0;
  while (length < bytes.size() && length <= kMaxMethod && is_token_byte(bytes[length])) ++length;
  if (length > kMaxMethod) return false;
  return length == bytes.size() || (length > 0 && bytes[length] == ' ');
}

}  // namespace

RequestReader::RequestReader(size_t max_header_bytes, size_t max_body_bytes)
    : max_header_bytes_(max_header_bytes), max_body_bytes_(max_body_bytes), buffer_(kFirstBuffer) {}

RequestReader::State RequestReader::next() {
  if (!refused_ && (stage_ == Stage::body || read_head()) && read_body()) return State::request;
  return refused_ ? State::refused : State::needs_more;
}

// "A server that is expecting to receive and parse a request-line SHOULD ignore at least one empty
// line (CRLF) received prior to the request-line." (RFC 9112 2.2) A CR without LF begins
// no request.
bool RequestReader::skip_line_ends() {
  while (end_ - begin_ >= 2 && buffer_[begin_] == '\r' && buffer_[begin_ + 1] == '\n') {
    if (++line_ends_ > kMaxLineEnds) {
      return refuse(ErrorKind::bad_request, "There are too many empty lines before the request.");
    }
    begin_ += 2;
  }
  return end_ - begin_ != 0 && !(end_ - begin_ == 1 && buffer_[begin_] == '\r');
}

bool RequestReader::read_head() {
  if (!skip_line_ends()) return false;
  const std::string_view bytes(buffer_.data() + begin_, end_ - begin_);
  if (!may_begin_request(bytes)) {
    return refuse(ErrorKind::bad_request, "This is not an HTTP request; send HTTP/1.1.");
  }
  switch (scan_.scan(bytes.substr(0, max_header_bytes_))) {
    case HeadScan::Result::incomplete:
      if (bytes.size() < max_header_bytes_) return false;
      return refuse(ErrorKind::headers_too_large,
                    fmt::format("The request line and header fields are more than {} bytes; send "
                                "fewer.",
                                max_header_bytes_));
    case HeadScan::Result::refused:
      return refuse(ErrorKind::bad_request, scan_.reason());
    case HeadScan::Result::complete:
      break;
  }
  if (auto error = parse_head(bytes.substr(0, scan_.length()), head_)) {
    return refuse(error->kind, error->detail);
  }
  if (head_.content_length > max_body_bytes_) {
    return refuse(
        ErrorKind::body_too_large,
        fmt::format("The request body is more than {} bytes; send less.", max_body_bytes_));
  }
  head_begin_ = begin_;
  head_end_ = begin_ + scan_.length();
  begin_ = head_end_;
  scan_.reset();
  line_ends_ = 0;
  stage_ = Stage::body;
  if (head_.chunked) chunks_.start(max_body_bytes_, max_header_bytes_);
  body_left_ = head_.content_length;
  continue_due_ = head_.expects_continue && (head_.chunked || body_left_ > 0) && begin_ == end_;
  return true;
}

bool RequestReader::read_body() {
  if (begin_ != end_) continue_due_ = false;
  if (head_.chunked) {
    std::string_view input(buffer_.data() + begin_, end_ - begin_);
    const auto result = chunks_.read(input, body_);
    begin_ = end_ - input.size();
    if (result == ChunkReader::Result::needs_more) return false;
    if (result == ChunkReader::Result::refused) {
      return refuse(chunks_.error().kind, chunks_.error().detail);
    }
  } else if (body_left_ > 0) {
    const auto taken = static_cast<size_t>(std::min<uint64_t>(body_left_, end_ - begin_));
    body_.append(buffer_.data() + begin_, taken);
    begin_ += taken;
    body_left_ -= taken;
    if (body_left_ > 0) return false;
  }
  request_ = {.method = head_.method,
              .path = head_.path,
              .query = head_.query,
              .path_parameter = {},
              .fields = head_.fields,
              .body = body_};
  return true;
}

void RequestReader::release() {
  stage_ = Stage::head;
  if (body_.capacity() > kKeptBody) {
    std::string().swap(body_);  // a move from an empty string would keep the memory
  } else {
    body_.clear();
  }
}

bool RequestReader::begun() const {
  const size_t bytes = end_ - begin_;
  return stage_ == Stage::body || bytes > 1 || (bytes == 1 && buffer_[begin_] != '\r');
}

bool RequestReader::is_head() const {
  if (stage_ == Stage::body) return head_.method == Method::head;
  const std::string_view bytes(buffer_.data() + begin_, end_ - begin_);
  return bytes == "HEAD" || bytes.starts_with("HEAD ");
}

bool RequestReader::take_continue() { return std::exchange(continue_due_, false); }

bool RequestReader::refuse(ErrorKind kind, std::string_view detail) {
  error_ = {kind, std::string(detail)};
  refused_ = true;
  return false;
}

std::span<char> RequestReader::room() {
  if (begin_ == end_) {
    if (stage_ == Stage::body) {
      begin_ = end_ = head_end_;
    } else {
      begin_ = end_ = 0;
      if (buffer_.size() > kFirstBuffer) buffer_ = std::vector<char>(kFirstBuffer);
    }
  }
  if (buffer_.size() - end_ < kLeastRoom) make_room();
  return {buffer_.data() + end_, buffer_.size() - end_};
}

// Moves what is needed to the front, of a larger buffer if it must be. It stays bounded, because
// what is needed is a head, and for that there is a limit.
void RequestReader::make_room() {
  const size_t keep = stage_ == Stage::body ? head_begin_ : begin_;
  const size_t kept = end_ - keep;
  const char* const from = buffer_.data() + keep;
  if (buffer_.size() - kept >= kLeastRoom) {
    std::memmove(buffer_.data(), from, kept);
    move_views(from, buffer_.data());
  } else {
    std::vector<char> larger(buffer_.size() * 2);
    std::memcpy(larger.data(), from, kept);
    move_views(from, larger.data());
    buffer_.swap(larger);
  }
  begin_ -= keep;
  end_ = kept;
  if (stage_ == Stage::body) {
    head_end_ -= head_begin_;
    head_begin_ = 0;
  }
}

void RequestReader::move_views(const char* from, const char* to) {
  if (stage_ != Stage::body) return;
  const auto move = [&](std::string_view& view) {
    view = view.empty() ? std::string_view()
                        : std::string_view(to + (view.data() - from), view.size());
  };
  move(head_.path);
  move(head_.query);
  for (Field& field : head_.fields) {
    move(field.name);
    move(field.value);
  }
}

}  // namespace sojourn::http
