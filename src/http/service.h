// One call is a web service (the idea of KJ's HttpService).
#pragma once

#include "base/error.h"
#include "base/task.h"
#include "http/message.h"

namespace sojourn::http {

// Whatever answers requests. Called on one loop's thread only; may answer at once or wait. A
// concern that wraps others (limits, CORS, API keys) is a Service that holds a Service.
class Service {
 public:
  virtual ~Service() = default;

  // Fills in `response`, which is fresh. Both live until the Task is done. What it throws becomes
  // 500 INTERNAL. `request` may be narrowed on the way down (Router sets path_parameter).
  virtual Task<void> handle(Request& request, Response& response) = 0;

  // Fills in `response` for an error that this floor found itself, before there was a whole request
  // (bad framing, a time-out, a limit), so that all errors look the same to clients.
  virtual void refuse(const Error& error, Response& response) = 0;
};

}  // namespace sojourn::http
