// How often something may happen.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace sojourn {

// `count` times in each `per`, and up to `burst` at once after a time of rest. Without a count
// there is no limit.
struct Rate {
  uint32_t count = 0;  // up to 1,000,000
  Duration per = std::chrono::seconds(1);
  uint32_t burst = 0;  // at least 1 when there is a count; up to 10,000,000

  bool limits() const { return count > 0; }
  friend bool operator==(const Rate&, const Rate&) = default;
};

}  // namespace sojourn
