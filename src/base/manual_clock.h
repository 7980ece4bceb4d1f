// A clock that stands still until it is told to move. A real implementation, for tests.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace sojourn {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start = Time(Duration(1'800'000'000'000))) : now_(start) {}

  Time now() const override { return now_.load(); }
  void set(Time time) { now_.store(time); }
  void advance(Duration by) { now_.store(now_.load() + by); }

 private:
  std::atomic<Time> now_;
};

}  // namespace sojourn
