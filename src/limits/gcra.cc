#include "limits/gcra.h"

#include <algorithm>

namespace sojourn::limits {

std::optional<Duration> take(Bucket& bucket, const Rate& rate, Time now) {
  constexpr int64_t kMillisecond = 1'000'000;
  const int64_t at = in_nanoseconds(now);
  const int64_t token = std::chrono::nanoseconds(rate.per).count() / rate.count;
  const int64_t whole = token * rate.burst;
  // No further ahead than an empty bucket is: one that was filled at a slower rate, or before the
  // clock was set back, is empty and no more.
  const int64_t full_at = std::clamp(bucket, at, at + whole) + token;
  if (full_at <= at + whole) {
    bucket = full_at;
    return std::nullopt;
  }
  return Duration((full_at - at - whole + kMillisecond - 1) / kMillisecond);
}

}  // namespace sojourn::limits
