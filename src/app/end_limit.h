// Sees to it that the process ends when it was asked to, whatever it waits for.
//
// A disk or a network file system that does not answer holds up whoever asks it for something: a
// start that syncs, a last commit. No time limit can be set on such a call, so a thread that makes
// none waits beside it. When the time is up it writes one line to the log and ends the process with
// kDidNotFinish. Nothing acknowledged is lost by that: it is what a kill does.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "json_log.h"
#include "signals.h"

namespace sojourn::app {

class EndLimit {
 public:
  // From now on, and until started(): when SIGTERM or SIGINT is pending for `limit`, the start is
  // given up. Both outlive this object.
  EndLimit(const Signals& signals, JsonLog& log, Duration limit);
  // The end was reached.
  ~EndLimit();

  // The signals are waited for, so the start is over.
  void started();
  // The process must have ended when `limit` is over.
  void ending(Duration limit);

 private:
  using Moment = std::chrono::steady_clock::time_point;

  void run();
  void watch_start(std::unique_lock<std::mutex>& lock);
  [[noreturn]] void give_up(std::string_view what);

  const Signals& signals_;
  JsonLog& log_;
  const Duration start_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool starting_ = true;
  bool over_ = false;
  std::optional<Moment> end_at_;
  std::thread thread_;
};

}  // namespace sojourn::app
