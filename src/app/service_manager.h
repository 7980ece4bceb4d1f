// What systemd is told (sd_notify(3)): ready, reloading, stopping, and that we are alive. Does
// nothing, and costs nothing, when no service manager started us (no NOTIFY_SOCKET).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/timer.h"

namespace sojourn::app {

// Any thread may call.
class ServiceManager {
 public:
  // How often keep-alive is wanted by the manager (WATCHDOG_USEC); zero: not at all.
  static std::chrono::microseconds watchdog_interval();

  void ready(const std::string& status) const;
  void reloading() const;
  void stopping() const;
  void alive() const;
};

// Knows whether everything makes progress: asks each loop to run something, and counts those that
// came to it as alive until the next question. Lives on the timer's thread, but for its making.
class Watchdog {
 public:
  // `healthy` is asked each time too, on the timer's thread; `alive` is called when all is well.
  // All that is handed in outlives the timer.
  Watchdog(std::vector<Executor*> loops, std::function<bool()> healthy,
           std::function<void()> alive);

  // Looks every `period` until the timer stops. Call once.
  void start(Timer& timer, Duration period);

  // One look: says `alive` if every loop came to the last question, then asks anew.
  void look();

 private:
  void look_after(Timer& timer, Duration period);

  const std::vector<Executor*> loops_;
  const std::function<bool()> healthy_;
  const std::function<void()> alive_;
  // How many loops did not come to the last question yet. Shared with the questions on their way.
  std::shared_ptr<std::atomic<size_t>> missing_;
};

}  // namespace sojourn::app
