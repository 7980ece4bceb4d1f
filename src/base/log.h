// Where the parts say what an operator should know.
#pragma once

#include <initializer_list>
#include <string_view>

namespace sojourn {

enum class LogLevel { info, warning, error };

struct LogField {
  std::string_view name;
  std::string_view value;
};

// One call is one line. `event` is a stable name for programs ("store.sync_failed"), `message` one
// sentence for people. Never pass a session id, an API key or a body: an id may be logged only as
// its first 10 characters, which are nothing but time (SessionId::masked). Values may hold any
// bytes; the sink escapes them, so nothing an attacker sends can forge a line. Any thread may call.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view event, std::string_view message,
                     std::initializer_list<LogField> fields = {}) = 0;
};

// Drops everything; for tests and tools.
class NoLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view,
             std::initializer_list<LogField>) override {}
};

}  // namespace sojourn
