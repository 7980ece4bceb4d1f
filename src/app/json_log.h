// The log: one JSON line per event, UTC, on standard error.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"

namespace spdlog {
class logger;
}

namespace sojourn::app {

// {"time":"2026-11-23T09:30:00.125Z","level":"info","event":"server.started","message":"Ready.",...}
class JsonLog final : public Log {
 public:
  JsonLog();
  ~JsonLog() override;
  void write(LogLevel level, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields = {}) override;

 private:
  std::unique_ptr<spdlog::logger> logger_;
};

// One line, without the line break. Every text is a JSON string, bytes that are no UTF-8 become
// "?": nothing in a value can end the line or forge a field.
std::string log_line(Time time, LogLevel level, std::string_view event, std::string_view message,
                     std::initializer_list<LogField> fields);

}  // namespace sojourn::app
