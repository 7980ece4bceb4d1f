// Where the parts say what an operator should know.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace sojourn {

enum class LogLevel { info, warning, error };

// A text that is empty is left out of the line.
struct LogField {
  std::string_view name;
  std::variant<std::string_view, uint64_t> value;
};

inline std::string text_of(const LogField& field) {
  if (const auto* number = std::get_if<uint64_t>(&field.value)) return std::to_string(*number);
  return std::string(std::get<std::string_view>(field.value));
}

// One call is one line. `event` is a stable name for programs ("store.sync_failed"), `message` one
// sentence for people. Never pass a session id, an API key or a body: an id may be logged only as
// its first 10 characters, which are nothing but time (SessionId::masked). Values may hold any
// bytes; the sink escapes and cuts them, so nothing an attacker sends can forge a line or fill the
// disk with one. `message` may be empty. Any thread may call; nobody waits for the line's reader.
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
