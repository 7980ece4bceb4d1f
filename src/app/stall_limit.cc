#include "stall_limit.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "command_line.h"
#include "config/units.h"
#include "descriptor_writer.h"

namespace sojourn::app {

bool Pace::too_slow(uint64_t done, Moment now) {
  if (done - done_before_ < kStep) return now - step_began_ >= limit_;
  done_before_ = done;
  step_began_ = now;
  return false;
}

StallLimit::StallLimit(Duration limit, std::string what) : limit_(limit), what_(std::move(what)) {
  thread_ = std::thread([this] { run(); });
}

StallLimit::~StallLimit() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void StallLimit::run() {
  const Duration look = std::clamp<Duration>(limit_ / 10, Duration(1), std::chrono::seconds(1));
  Pace pace(limit_, std::chrono::steady_clock::now());
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, look, [this] { return over_; })) {
    if (!pace.too_slow(done_, std::chrono::steady_clock::now())) continue;
    give_up();
  }
}

void StallLimit::give_up() const {
  // Standard error may be the same pipe that nobody reads.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  DescriptorWriter(STDERR_FILENO)
      .write(fmt::format("sojourn: {} was given up: it came less than 1 MiB further in {}, and it "
                         "keeps the store from using freed room again. What was written so far is "
                         "not whole.\n",
                         what_, config::shown_duration(limit_)),
             [&] { return std::chrono::steady_clock::now() < deadline; });
  std::_Exit(kFailed);
}

}  // namespace sojourn::app
