// A line of the log for requests, or for every so manieth of them.
#pragma once

#include <cstddef>

#include "base/log.h"
#include "http/observer.h"
#include "telemetry/log_options.h"

namespace sojourn::telemetry {

// Of one loop, on its thread. Shows of a request what its route, its tenant and its trace are, and
// who sent it; no path, no query, no field beside, no body.
class AccessLog {
 public:
  AccessLog(Log& log, const LogOptions& options) : log_(log) { use(options); }

  void use(const LogOptions& options) {
    every_ = options.level == LogLevel::info ? options.access_every : 0;
    passed_ = 0;
  }

  void answered(const http::Exchange& exchange) {
    if (every_ == 0) return;
    if (++passed_ < every_) return;
    passed_ = 0;
    write(exchange);
  }

 private:
  void write(const http::Exchange& exchange);

  Log& log_;
  size_t every_ = 0;   // 0: off
  size_t passed_ = 0;  // since the last line
};

}  // namespace sojourn::telemetry
