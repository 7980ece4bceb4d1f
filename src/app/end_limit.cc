#include "end_limit.h"

#include <cstdlib>

#include "command_line.h"

namespace sojourn::app {
namespace {

// How often a start looks whether it was asked to end.
constexpr std::chrono::milliseconds kLook{100};

}  // namespace

EndLimit::EndLimit(const Signals& signals, JsonLog& log, Duration limit)
    : signals_(signals), log_(log), start_limit_(limit) {
  thread_ = std::thread([this] { run(); });
}

EndLimit::~EndLimit() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void EndLimit::started() {
  {
    const std::lock_guard lock(mutex_);
    starting_ = false;
  }
  changed_.notify_one();
}

void EndLimit::ending(Duration limit) {
  {
    const std::lock_guard lock(mutex_);
    end_at_ = std::chrono::steady_clock::now() + limit;
  }
  changed_.notify_one();
}

void EndLimit::run() {
  std::unique_lock lock(mutex_);
  watch_start(lock);
  changed_.wait(lock, [this] { return over_ || end_at_; });
  if (over_ || changed_.wait_until(lock, *end_at_, [this] { return over_; })) return;
  give_up(
      "The store could not be closed in time: its disk does not answer. What was acknowledged is "
      "kept; what was not may be lost.");
}

void EndLimit::watch_start(std::unique_lock<std::mutex>& lock) {
  const auto is_over = [this] { return over_ || !starting_; };
  while (!changed_.wait_for(lock, kLook, is_over)) {
    if (!signals_.end_is_asked_for()) continue;
    if (changed_.wait_for(lock, start_limit_, is_over)) return;
    give_up("The start was given up: the disk does not answer. Nothing was served.");
  }
}

void EndLimit::give_up(std::string_view what) {
  log_.write(LogLevel::error, "server.stopped", what,
             {{"exit_status", static_cast<uint64_t>(kDidNotFinish)}});
  log_.flush();
  std::_Exit(kDidNotFinish);
}

}  // namespace sojourn::app
