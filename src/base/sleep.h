// Waiting for a time, inside a Task.
#pragma once

#include <coroutine>

#include "base/timer.h"

namespace sojourn {

// co_await sleep(timer, 100ms): goes on after that time, on the timer's thread, which must be the
// thread that the Task runs on.
inline auto sleep(Timer& timer, Duration delay) {
  struct Sleep {
    Timer& timer;
    Duration delay;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      timer.after(delay, [waiting] { waiting.resume(); });
    }
    void await_resume() const noexcept {}
  };
  return Sleep{timer, delay};
}

}  // namespace sojourn
