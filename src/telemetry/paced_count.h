// Tells of a growing count in sums, so that whoever makes it grow does not fill the log.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace sojourn::telemetry {

// The first of a count has its line at the next look; while it grows there is one in kPause, with
// what came since. On one thread.
class PacedCount {
 public:
  static constexpr Duration kPause = std::chrono::seconds(10);

  struct Sum {
    uint64_t count = 0;
    Time since;
  };

  // What a line is due of at `now`; `total` is counted since the start, and `looked_at` is when the
  // last look was. Nothing: there is nothing new, or the last line is younger than `pause`, which
  // is shorter than kPause at the end alone.
  std::optional<Sum> due(uint64_t total, Time now, Time looked_at, Duration pause = kPause) {
    if (total == told_) return std::nullopt;
    if (told_at_ && now - *told_at_ < pause) return std::nullopt;
    // When the last look could have told of them, they came after it; else after the last line.
    const bool paused = told_at_ && looked_at - *told_at_ < kPause;
    const Sum sum{.count = total - told_, .since = paused ? *told_at_ : looked_at};
    told_ = total;
    told_at_ = now;
    return sum;
  }

 private:
  uint64_t told_ = 0;
  std::optional<Time> told_at_;  // the last line; what came since was after it
};

}  // namespace sojourn::telemetry
