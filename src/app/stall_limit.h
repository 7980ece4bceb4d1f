// The end of a command that reads a store and gets nowhere.
//
// It reads one moment, and as long as it does, room that is freed in the store cannot be used
// again: the file grows with each change that the server makes. So a command that waits for someone
// who does not read its output, such as `sojourn export | less`, would fill the disk. It cannot let
// go of the moment and go on, since what it writes is to be of one moment; it gives up.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"

namespace sojourn::app {

// Whether something comes far enough in its time.
class Pace {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  static constexpr uint64_t kStep = uint64_t{1} << 20;  // bytes to be done within each `limit`

  Pace(Duration limit, Moment now) : limit_(limit), step_began_(now) {}

  // `done`: in all, at `now`.
  bool too_slow(uint64_t done, Moment now);

 private:
  const Duration limit_;
  uint64_t done_before_ = 0;
  Moment step_began_;
};

// When a command is too slow, this object says so on standard error and ends the process with
// kFailed, from a thread of its own: what holds up the others holds up the end of their reading,
// too. The server then clears what they held.
class StallLimit {
 public:
  // `what` gets nowhere: "The export".
  StallLimit(Duration limit, std::string what);
  ~StallLimit();

  // So much is done in all. Any thread.
  void done(uint64_t bytes) { done_.store(bytes, std::memory_order_relaxed); }

 private:
  void run();
  [[noreturn]] void give_up() const;

  const Duration limit_;
  const std::string what_;
  std::atomic<uint64_t> done_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace sojourn::app
