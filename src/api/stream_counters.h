// Counts the event streams of one loop, and what pages of events have in common with them.
#pragma once

#include "base/counter.h"

namespace sojourn::api {

// Upper bounds in milliseconds: of a reader that keeps up, and of one that catches up.
inline constexpr uint64_t kEventDelays[] = {
    10, 50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 60'000, 600'000, 3'600'000, 86'400'000};

// The loop's thread counts, any thread reads.
struct StreamCounters {
  Counter opened;
  Counter closed;
  Counter gaps;  // pages and streams that told a client of missing events
  // From an event's time to its being handed to a stream; one value for each event sent.
  Distribution delays{kEventDelays};
};

}  // namespace sojourn::api
