// Makes requests of the bytes of one connection. No I/O: the connection puts bytes in and asks.
//
//   loop:  next() == request      answer request(), then release()
//                    refused      answer error(), then close
//                    needs_more   read into room(), tell received(n)
//
// One buffer holds the head of the request that is being read or answered, and whatever came behind
// it. Bodies go to a string of their own, so that the head stays where the request's views point:
// while a body arrives, the space behind the head is used again and again.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "chunk_reader.h"
#include "head.h"
#include "head_scan.h"
#include "http/message.h"

namespace sojourn::http {

class RequestReader {
 public:
  enum class State { needs_more, request, refused };

  RequestReader(size_t max_header_bytes, size_t max_body_bytes);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // What the bytes so far amount to. Not to be called while a request waits for its release().
  State next();

  // Of State::request, until release(); the views of its head until next() or room().
  Request& request() { return request_; }
  const Head& head() const { return head_; }

  // Of State::refused, for ever: nothing after it on this connection can be trusted.
  const Error& error() const { return error_; }
  // True when the request that is being read, or was refused, is a HEAD, as far as its first bytes
  // say: so it is known even of a head that is not HTTP.
  bool is_head() const;

  // Done with the request; its views die.
  void release();

  // Where to read to: never empty. For State::needs_more only; invalidates the last room().
  std::span<char> room();
  void received(size_t bytes) { end_ += bytes; }

  // True when bytes of a request are here that was not handed out yet, whole or not. Line ends
  // between requests are no request, nor is half of one. After next() says needs_more.
  bool begun() const;

  // True once for a request whose client waits for "100 Continue" before it sends the body: the
  // head is acceptable and nothing of the body is here.
  bool take_continue();

 private:
  enum class Stage { head, body };

  bool skip_line_ends();
  bool read_head();
  bool read_body();
  bool refuse(ErrorKind kind, std::string_view detail);
  void make_room();
  void move_views(const char* from, const char* to);

  const size_t max_header_bytes_;
  const size_t max_body_bytes_;

  std::vector<char> buffer_;
  size_t begin_ = 0;  // what is not consumed yet is [begin_, end_)
  size_t end_ = 0;
  size_t head_begin_ = 0;  // in Stage::body: the head is [head_begin_, head_end_)
  size_t head_end_ = 0;

  Stage stage_ = Stage::head;
  bool refused_ = false;
  bool continue_due_ = false;
  size_t line_ends_ = 0;
  HeadScan scan_;
  Head head_;
  ChunkReader chunks_;
  uint64_t body_left_ = 0;  // of a Content-Length
  std::string body_;
  Request request_;
  Error error_{};
};

}  // namespace sojourn::http
