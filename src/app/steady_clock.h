// The clock that sessions live by.
#pragma once

#include <atomic>
#include <functional>

#include "base/clock.h"

namespace sojourn::app {

// The machine's wall clock, without its jumps: it is read once, at the start, and from then on time
// passes as CLOCK_BOOTTIME does (which goes on while the machine sleeps). When the wall clock is
// set, by hand or by NTP, sessions neither die early nor live beyond their lifetime; this clock
// follows slowly, by at most 1 ms each 200 ms (0.5 %), never backwards, until both agree again: an
// hour takes 200 hours. A restart takes the wall clock as it is.
class SteadyClock final : public Clock {
 public:
  // The system's clocks; tests hand in others. Each is called from any thread.
  using Nanoseconds = std::chrono::nanoseconds;
  struct Sources {
    std::function<std::chrono::sys_time<Nanoseconds>()> wall;
    std::function<Nanoseconds()> elapsed;  // since some fixed moment, never backwards
  };
  SteadyClock();
  explicit SteadyClock(Sources sources);

  Time now() const override;

  // Follows the wall clock a little. Call some times a second, from one thread.
  void adjust();

  // How far the wall clock is ahead (behind: negative).
  Nanoseconds behind_wall() const;

 private:
  const Sources sources_;
  std::atomic<int64_t> offset_ns_;  // now() is elapsed() and this
  Nanoseconds adjusted_at_;         // elapsed() when adjust() was last called
};

}  // namespace sojourn::app
