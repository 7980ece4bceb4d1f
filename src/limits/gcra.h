// A token bucket as one number (the generic cell rate algorithm, ITU-T I.371 annex A).
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/rate.h"

namespace sojourn::limits {

// When the bucket will be full again, in nanoseconds since the epoch: in the past, it is full.
// Every number is a bucket, and a rate that changes goes on with what was used.
using Bucket = int64_t;

// Takes a token: nothing when there was one, else how long until there is one, at least 1 ms and up
// to the next full one. `rate` has a limit.
std::optional<Duration> take(Bucket& bucket, const Rate& rate, Time now);

inline constexpr int64_t in_nanoseconds(Time now) {
  return std::chrono::nanoseconds(now.time_since_epoch()).count();
}

}  // namespace sojourn::limits
