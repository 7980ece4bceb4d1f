#include "steady_clock.h"

#include <ctime>

#include <algorithm>

namespace sojourn::app {
namespace {

constexpr int kFollowDivisor = 200;  // 0.5 %

std::chrono::nanoseconds boot_time() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

SteadyClock::SteadyClock()
    : SteadyClock(
          Sources{.wall = [] { return std::chrono::system_clock::now(); }, .elapsed = boot_time}) {}

SteadyClock::SteadyClock(Sources sources)
    : sources_(std::move(sources)),
      offset_ns_((sources_.wall().time_since_epoch() - sources_.elapsed()).count()),
      adjusted_at_(sources_.elapsed()) {}

Time SteadyClock::now() const {
  const Nanoseconds offset(offset_ns_.load(std::memory_order_relaxed));
  return Time(std::chrono::floor<Duration>(sources_.elapsed() + offset));
}

SteadyClock::Nanoseconds SteadyClock::behind_wall() const {
  const Nanoseconds offset(offset_ns_.load(std::memory_order_relaxed));
  return sources_.wall().time_since_epoch() - (sources_.elapsed() + offset);
}

void SteadyClock::adjust() {
  const Nanoseconds elapsed = sources_.elapsed();
  const Nanoseconds most = (elapsed - adjusted_at_) / kFollowDivisor;
  adjusted_at_ = elapsed;
  offset_ns_.fetch_add(std::clamp(behind_wall(), -most, most).count(), std::memory_order_relaxed);
}

}  // namespace sojourn::app
