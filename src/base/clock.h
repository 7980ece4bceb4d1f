// Time, as a value and as something that is handed in.
#pragma once

#include <chrono>

namespace sojourn {

// Milliseconds are the finest unit of the whole server: on the wire, on disk, in options.
using Duration = std::chrono::milliseconds;

// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (RFC 3339 as the world uses
// it).
using Time = std::chrono::sys_time<Duration>;

// The only source of the current time. The real one is made in app/; tests hand in a ManualClock.
// now() may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

}  // namespace sojourn
