// Who watches what a server answers: for metrics and access logs.
#pragma once

#include <chrono>
#include <cstddef>

#include "http/message.h"

namespace sojourn::http {

// A request and its answer, once the answer is written.
struct Exchange {
  const Request& request;    // its body is gone
  const Response& response;  // of a stream: its head, and the stream has not begun
  // From the request being whole, or the answer before it on its connection being written, to this
  // answer being written into the connection's buffer.
  std::chrono::nanoseconds duration;
  size_t bytes;  // of the answer, head and body
};

// Called on one loop's thread, inside the connection: returns soon, throws nothing, keeps no views.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void answered(const Exchange& exchange) = 0;

  // An answer to what never was a whole request: bad framing, a time-out, a limit. The connection
  // ends with it.
  virtual void refused(const Response& refusal) = 0;
};

}  // namespace sojourn::http
