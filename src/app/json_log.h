// The log: one JSON line per event, UTC, on standard error.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"

namespace spdlog {
class logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace sojourn::app {

class LineSink;

// {"time":"2026-11-23T09:30:00.125Z","level":"info","event":"server.started","message":"Ready.",...}
//
// A thread of its own writes, so that nobody else waits when standard error is a pipe that nobody
// reads. Up to kMostWaiting lines wait for it; then the oldest are dropped, and counted.
class JsonLog final : public Log {
 public:
  static constexpr size_t kMostWaiting = 4096;

  // To this file descriptor, which stays open.
  explicit JsonLog(int descriptor = 2);
  ~JsonLog() override;
  void write(LogLevel level, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields = {}) override;

  // From now on lines below this level are left out. Any thread.
  void set_level(LogLevel least) { least_.store(least, std::memory_order_relaxed); }
  // Returns when what was written before is out, or after a second: then nobody reads.
  void flush();
  // Lines that nobody will ever see. Any thread.
  uint64_t dropped() const;

 private:
  std::atomic<LogLevel> least_ = LogLevel::info;
  std::shared_ptr<LineSink> sink_;
  std::shared_ptr<spdlog::details::thread_pool> writer_;
  std::shared_ptr<spdlog::logger> logger_;
};

// A longer text is cut here and ends in "...".
inline constexpr size_t kMostLoggedBytes = 512;

// One line, without the line break. Every text is a JSON string; bytes that are no UTF-8 become
// "?", and what moves a terminal's cursor or turns the direction of writing is escaped: nothing in
// a value can end the line, forge a field, or look as if it did.
std::string log_line(Time time, LogLevel level, std::string_view event, std::string_view message,
                     std::initializer_list<LogField> fields);

}  // namespace sojourn::app
