// Writes lines to a file descriptor and never waits for its reader without an end.
#pragma once

#include <spdlog/sinks/sink.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "descriptor_writer.h"

namespace sojourn::app {

// For the one thread of an asynchronous spdlog logger. spdlog's own sinks block in write(), so its
// thread could not be joined while nobody reads.
class LineSink final : public spdlog::sinks::sink {
 public:
  explicit LineSink(int descriptor) : writer_(descriptor) {}

  void log(const spdlog::details::log_msg& message) override;
  // A mark in the queue of messages: whatever was before it is written.
  void flush() override;
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  // Any thread.
  uint64_t marks() const;
  void wait_for_mark(uint64_t number, Duration limit);
  // From now on nothing is written and nothing waits.
  void stop() { stopped_ = true; }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  DescriptorWriter writer_;
  std::string line_;
  std::atomic<bool> stopped_ = false;
  std::atomic<uint64_t> dropped_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable marked_;
  uint64_t marks_ = 0;
};

}  // namespace sojourn::app
