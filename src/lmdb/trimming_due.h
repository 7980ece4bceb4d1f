// Whether there is something to trim, as far as the engine knows: so that a look that would find
// nothing is not made again and again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/clock.h"

namespace sojourn::lmdb {

// The time it knows is never later than that of the oldest event of any log: the process has the
// directory to itself. Any thread.
class TrimmingDue {
 public:
  // Whether there may be events from before `time`.
  bool is_due(Time time) const { return oldest_.load() < time.time_since_epoch().count(); }

  // An event of that time was committed.
  void filed(Time time) {
    const int64_t count = time.time_since_epoch().count();
    int64_t known = oldest_.load();
    while (count < known && !oldest_.compare_exchange_weak(known, count)) {
    }
  }

  // The tables are about to be looked at: what is committed from here on counts, whatever the look
  // shows.
  void looking() { oldest_ = kNothing; }
  // What stays after the look. Absent: nothing does.
  void seen(std::optional<Time> oldest) {
    if (oldest) filed(*oldest);
  }
  // Look again: it failed, or did not come to its end.
  void unknown() { filed(Time::min()); }

  // Marks of empty logs are looked at once a day.
  bool marks_are_due(Time now) const {
    return now.time_since_epoch().count() >= next_marks_.load();
  }
  void marks_seen(Time now) {
    next_marks_ = (now + std::chrono::hours(24)).time_since_epoch().count();
  }

 private:
  static constexpr int64_t kNothing = std::numeric_limits<int64_t>::max();
  static constexpr int64_t kUnknown = std::numeric_limits<int64_t>::min();

  std::atomic<int64_t> oldest_ = kUnknown;
  std::atomic<int64_t> next_marks_ = kUnknown;
};

}  // namespace sojourn::lmdb
