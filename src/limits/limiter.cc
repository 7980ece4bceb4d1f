#include "limits/limiter.h"

namespace sojourn::limits {

Result<void> take(Buckets& buckets, std::string_view key, const Rate& rate, Time now,
                  std::string_view what) {
  if (!rate.limits()) return {};
  const auto wait = buckets.take(key, rate, now);
  if (!wait) return {};
  std::string detail = "There are too many ";
  detail.append(what).append("; wait as long as Retry-After says.");
  return std::unexpected(Error{ErrorKind::rate_limited, std::move(detail), *wait});
}

}  // namespace sojourn::limits
