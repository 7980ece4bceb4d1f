#include "service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <time.h>

namespace sojourn::app {

std::chrono::microseconds ServiceManager::watchdog_interval() {
  uint64_t interval = 0;
  if (sd_watchdog_enabled(0, &interval) <= 0) return std::chrono::microseconds(0);
  return std::chrono::microseconds(interval);
}

void ServiceManager::ready(const std::string& status) const {
  sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str());
}

// systemd 253 wants to know when this was said, to tell it from an earlier one.
void ServiceManager::reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto since_boot = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Loading the options anew.",
                           std::chrono::floor<std::chrono::microseconds>(since_boot).count())
                   .c_str());
}

void ServiceManager::stopping() const {
  sd_notify(0, "STOPPING=1\nSTATUS=Finishing the requests in flight.");
}

void ServiceManager::alive() const { sd_notify(0, "WATCHDOG=1"); }

Watchdog::Watchdog(std::vector<Executor*> loops, std::function<bool()> healthy,
                   std::function<void()> alive)
    : loops_(std::move(loops)),
      healthy_(std::move(healthy)),
      alive_(std::move(alive)),
      missing_(std::make_shared<std::atomic<size_t>>(0)) {}

void Watchdog::start(Timer& timer, Duration period) {
  look();
  look_after(timer, period);
}

void Watchdog::look_after(Timer& timer, Duration period) {
  timer.after(period, [this, &timer, period] {
    look();
    look_after(timer, period);
  });
}

void Watchdog::look() {
  if (missing_->load(std::memory_order_acquire) != 0) return;  // one of them is stuck, or slow
  if (healthy_()) alive_();
  missing_->store(loops_.size(), std::memory_order_release);
  for (Executor* loop : loops_) {
    loop->post([missing = missing_] { missing->fetch_sub(1, std::memory_order_acq_rel); });
  }
}

}  // namespace sojourn::app
