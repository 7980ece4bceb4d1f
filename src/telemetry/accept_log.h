// Tells the log, in sums, when connections cannot be accepted because descriptors or memory are
// used up: of this process, or of the whole machine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "telemetry/paced_count.h"

namespace sojourn::telemetry {

// Looks at the counts of the listeners now and then. On one thread.
class AcceptLog {
 public:
  struct Listener {
    std::string name;                    // "public", "admin"
    std::function<uint64_t()> failures;  // since the start
    std::function<int()> last_error;     // an errno
  };

  // All of these outlive this object.
  AcceptLog(std::vector<Listener> listeners, const Clock& clock, Log& log);

  void look() { look(PacedCount::kPause); }
  // Says what no line has said yet, without a pause: at the end.
  void finish() { look(Duration(0)); }

 private:
  struct Watched {
    Listener listener;
    PacedCount told;
  };

  void look(Duration pause);

  std::vector<Watched> watched_;
  const Clock& clock_;
  Log& log_;
  Time looked_at_;
};

}  // namespace sojourn::telemetry
