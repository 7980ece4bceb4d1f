// SIGHUP: the options as they are written now take the place of those that are in force.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/log.h"
#include "live_options.h"
#include "serve.h"

namespace sojourn::app {

// Since the start. Any thread may read.
struct ReloadCounters {
  std::atomic<uint64_t> succeeded = 0;
  std::atomic<uint64_t> failed = 0;
  std::atomic<bool> last_failed = false;
  std::atomic<int64_t> last_good_time = 0;  // of a start or a reload; Unix seconds
};

// Whatever is wrong with the options, everything stays as it was: also when the file is empty, or
// would take away a protection (config/exposure.h) without saying that this is meant. Options that
// need a restart stay as they were in any case; each that would have changed is logged by its name.
class Reloader {
 public:
  // `apply` hands the options to whoever uses them and returns whether they are in force already:
  // who removed a key may rely on the log. `counters` and `log` outlive this object.
  using ApplyLive = std::function<bool(const LiveOptions&)>;
  Reloader(config::Options at_start, const DescriptorLimit& descriptors, LoadOptions load,
           ApplyLive apply, ReloadCounters& counters, Log& log);

  // On the thread that made the object, as running().
  void reload();

  // The options in force.
  const config::Options& running() const { return running_; }

 private:
  void fail(const std::string& reason);

  config::Options running_;
  const DescriptorLimit descriptors_;
  const LoadOptions load_;
  const ApplyLive apply_;
  ReloadCounters& counters_;
  Log& log_;
};

}  // namespace sojourn::app
