// How long to wait before the next try: twice as long each time, up to a limit, and not all at
// once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/clock.h"
#include "base/entropy.h"

namespace sojourn::redis {

// The longest wait before try number `failures` + 1.
constexpr Duration backoff(size_t failures, Duration first, Duration most) {
  const size_t doublings = std::min<size_t>(failures, 20);
  return std::min(first * (int64_t{1} << doublings), most);
}

// Between half of `most` and all of it, so that those that failed together do not come back
// together.
inline Duration jittered(Duration most, Entropy& entropy) {
  std::byte bytes[4];
  entropy.fill(bytes);
  uint32_t random = 0;
  std::memcpy(&random, bytes, sizeof random);
  const Duration half = most / 2;
  return most - half + Duration(static_cast<int64_t>(random) * half.count() / UINT32_MAX);
}

}  // namespace sojourn::redis
