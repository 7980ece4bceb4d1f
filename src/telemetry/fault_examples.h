// Of each kind of fault, the last request that met it: so that a line about faults leads somewhere.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "http/message.h"

namespace sojourn::telemetry {

struct FaultExample {
  std::string_view method;  // as route, of static storage
  std::string_view route;
  std::string trace_id;  // empty, as the next, when the request carried none
  std::string parent_id;
};

// True when it is for the server's operator to repair.
bool is_fault(ErrorKind kind);

// One loop notes, any thread takes. Faults are seldom, so a lock costs nothing.
class FaultExamples {
 public:
  void note(ErrorKind kind, const http::Request& request);
  // The last one, once.
  FaultExample take(ErrorKind kind) {
    const std::lock_guard lock(mutex_);
    return std::exchange(examples_[static_cast<size_t>(kind)], {});
  }

 private:
  std::mutex mutex_;
  std::array<FaultExample, kErrorKinds> examples_;
};

}  // namespace sojourn::telemetry
