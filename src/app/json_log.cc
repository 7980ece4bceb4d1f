#include "json_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/text.h"

namespace sojourn::app {
namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

void append_text(std::string& out, std::string_view text) {
  if (is_utf8(text)) return append_json_string(out, text);
  std::string ascii(text);
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  append_json_string(out, ascii);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.push_back(',');
  append_text(out, name);
  out.push_back(':');
  append_text(out, value);
}

}  // namespace

std::string log_line(Time time, LogLevel level, std::string_view event, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string out = R"({"time":")";
  append_rfc3339(out, time);
  out.push_back('"');
  append_field(out, "level", name_of(level));
  append_field(out, "event", event);
  append_field(out, "message", message);
  for (const LogField& field : fields) append_field(out, field.name, field.value);
  out.push_back('}');
  return out;
}

JsonLog::JsonLog()
    : logger_(std::make_unique<spdlog::logger>("sojourn",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_pattern("%v");
}

JsonLog::~JsonLog() = default;

void JsonLog::write(LogLevel level, std::string_view event, std::string_view message,
                    std::initializer_list<LogField> fields) {
  const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  logger_->info("{}", log_line(now, level, event, message, fields));
}

}  // namespace sojourn::app
