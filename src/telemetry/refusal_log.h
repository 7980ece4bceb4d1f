// Tells the log when requests are refused or failed: in sums, so that whoever floods the server
// does not flood the log.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "telemetry/paced_count.h"
#include "telemetry/request_watch.h"

namespace sojourn::telemetry {

// Looks at the counts of all loops now and then; requests pay nothing for it. The first refusal by
// a code has a line at the next look; while more come there is one in kPause, with their number.
// What is a client's own mistake or a normal outcome (SESSION_NOT_FOUND) has none: the metrics
// count it. On one thread.
class RefusalLog {
 public:
  // All of these outlive this object.
  RefusalLog(std::vector<RequestWatch*> loops, const Clock& clock, Log& log);

  void look();
  // Says what no line has said yet, without a pause: at the end.
  void finish();

 private:
  void tell(ErrorKind kind, uint64_t count, Time since);
  void look_at(ErrorKind kind, Time now, Duration pause);

  const std::vector<RequestWatch*> loops_;
  const Clock& clock_;
  Log& log_;
  Time looked_at_;
  std::array<PacedCount, kErrorKinds> told_;
};

}  // namespace sojourn::telemetry
