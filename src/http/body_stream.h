// An answer's body that is made while it is sent.
#pragma once

#include <string>

#include "base/task.h"

namespace sojourn::http {

// Made by a service, owned by its Response, used on the loop's thread only. The connection asks for
// one piece at a time, and for the next when the kernel has taken the one before: so a slow client
// slows the stream down and at most one piece is in memory.
class BodyStream {
 public:
  enum class Step { more, end };

  // The stream may end at any time between two pieces: the client left, or took longer than
  // ServerOptions::header_timeout for a piece, or the server drains.
  virtual ~BodyStream() = default;

  // Appends the next bytes to `out`, which is empty; with Step::end, the last ones. It may append
  // nothing: the connection then looks whether it should end, and asks again. So a stream that
  // waits for something should do this at least every second or two, because a drain and a client
  // that has left are only seen between two pieces; and it should wait, not spin.
  //
  // The Task is never destroyed before it is done, nor is the stream, nor `out` written to
  // meanwhile. What it throws cuts the connection, so that the client sees that the body is not
  // whole.
  virtual Task<Step> next(std::string& out) = 0;
};

}  // namespace sojourn::http
