// Removes what is over, in the background: expired sessions, old idempotency keys, old events.
#pragma once

#include <memory>
#include <optional>

#include "base/counter.h"
#include "base/log.h"
#include "base/task.h"
#include "base/timer.h"
#include "sessions/operations.h"

namespace sojourn::app {

// The housekeeper's thread counts, any thread reads.
struct ReaperCounters {
  Counter sessions;  // removed because their time was over
  Counter keys;      // idempotency keys forgotten
  Counter events;    // older than their retention
  Counter failures;  // steps that failed
};

// Takes one bounded step of sessions::reap after the other while there is something to do, and
// looks again a moment later when there is not. Requests go on in between: a step is one batch of
// commits among theirs. Lives on the timer's thread; everything it is handed outlives it.
class Housekeeper {
 public:
  Housekeeper(sessions::Context& context, Timer& timer, Log& log);

  // Call once, before the timer's thread starts. Goes on until the timer stops.
  void start();

  const ReaperCounters& counters() const { return counters_; }

 private:
  void step_after(Duration delay);
  void step();
  void step_done();

  sessions::Context& context_;
  Timer& timer_;
  Log& log_;
  ReaperCounters counters_;
  std::optional<Task<Result<sessions::Reaped>>> step_;
  bool failing_ = false;  // the last step failed, and the log says so
};

}  // namespace sojourn::app
