// Waiting for a time, as something that is handed in.
#pragma once

#include <functional>

#include "base/clock.h"

namespace sojourn {

// Runs `work` once, on one thread of its own, not before `delay` has passed; not exact, a busy
// thread comes to it later. Work of a timer that has stopped is destroyed without being run.
// after() may be called from any thread and never runs `work` itself.
class Timer {
 public:
  virtual ~Timer() = default;
  virtual void after(Duration delay, std::move_only_function<void()> work) = 0;
};

}  // namespace sojourn
