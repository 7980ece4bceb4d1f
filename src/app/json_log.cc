#include "json_log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>

#include <algorithm>

#include "base/text.h"
#include "line_sink.h"

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

// What RFC 8259 lets stand in a string, but a terminal or a viewer acts on: DEL, the C1 controls,
// and the line separators and bidirectional controls U+2028 to U+202E and U+2066 to U+2069. The
// code point at the start of `text`, which is UTF-8, when it is one of these, and its length.
struct Acted {
  unsigned code_point = 0;
  size_t length = 0;
};
Acted acted_on(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) == 0x7F) return {0x7F, 1};
  if (byte(0) == 0xC2 && byte(1) < 0xA0) return {byte(1), 2};
  if (byte(0) != 0xE2) return {};
  const unsigned code_point = 0x2000U + (byte(1) - 0x80U) * 64 + (byte(2) - 0x80U);
  const bool acted = (code_point >= 0x2028 && code_point <= 0x202E) ||
                     (code_point >= 0x2066 && code_point <= 0x2069);
  return acted ? Acted{code_point, 3} : Acted{};
}

void append_escaped(std::string& out, unsigned code_point) {
  constexpr char kHex[] = "0123456789abcdef";
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[(code_point >> shift) & 15]);
}

// `text` is UTF-8.
void append_safely(std::string& out, std::string_view text) {
  const auto append_plain = [&out](std::string_view run) {
    append_json_string(out, run);
    out.pop_back();  // its closing quote
  };
  size_t plain = 0;  // where the run begins that append_json_string is right for
  const size_t begin = out.size();
  for (size_t i = 0; i < text.size(); ++i) {
    if (static_cast<uint8_t>(text[i]) < 0x7F) continue;
    const Acted acted = acted_on(text.substr(i));
    if (acted.length == 0) continue;
    const size_t quote = out.size();
    append_plain(text.substr(plain, i - plain));
    if (quote != begin) out.erase(quote, 1);
    append_escaped(out, acted.code_point);
    plain = i + acted.length;
    i = plain - 1;
  }
  const size_t quote = out.size();
  append_plain(text.substr(plain));
  if (quote != begin) out.erase(quote, 1);
  out.push_back('"');
}

// The first bytes of it, without a part of a character at their end.
std::string_view beginning_of(std::string_view text) {
  size_t length = kMostLoggedBytes;
  const auto continues = [&] { return (static_cast<uint8_t>(text[length]) & 0xC0) == 0x80; };
  while (length > kMostLoggedBytes - 3 && continues()) --length;
  return text.substr(0, length);
}

void append_text(std::string& out, std::string_view text) {
  const bool cut = text.size() > kMostLoggedBytes;
  if (cut) text = beginning_of(text);
  if (is_utf8(text)) {
    append_safely(out, text);
  } else {
    std::string ascii(text);
    for (char& c : ascii) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    append_safely(out, ascii);
  }
  if (cut) out.insert(out.size() - 1, "...");
}

void append_field(std::string& out, const LogField& field) {
  const auto* text = std::get_if<std::string_view>(&field.value);
  if (text != nullptr && text->empty()) return;
  out.push_back(',');
  append_text(out, field.name);
  out.push_back(':');
  if (text != nullptr) {
    append_text(out, *text);
  } else {
    out.append(text_of(field));
  }
}

void append_line(std::string& out, Time time, LogLevel level, std::string_view event,
                 std::string_view message, std::initializer_list<LogField> fields) {
  out.append(R"({"time":")");
  append_rfc3339(out, time);
  out.push_back('"');
  append_field(out, {"level", name_of(level)});
  append_field(out, {"event", event});
  append_field(out, {"message", message});
  for (const LogField& field : fields) append_field(out, field);
  out.push_back('}');
}

}  // namespace

std::string log_line(Time time, LogLevel level, std::string_view event, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string out;
  append_line(out, time, level, event, message, fields);
  return out;
}

JsonLog::JsonLog(int descriptor)
    : sink_(std::make_shared<LineSink>(descriptor)),
      writer_(std::make_shared<spdlog::details::thread_pool>(kMostWaiting, 1)),
      logger_(std::make_shared<spdlog::async_logger>(
          "sojourn", sink_, writer_, spdlog::async_overflow_policy::overrun_oldest)) {}

JsonLog::~JsonLog() {
  flush();
  sink_->stop();
  // Their messages hold the logger; the writer's thread ends with them.
  logger_.reset();
  writer_.reset();
}

void JsonLog::flush() {
  const uint64_t mark = sink_->marks() + 1;
  logger_->flush();
  sink_->wait_for_mark(mark, std::chrono::seconds(1));
}

uint64_t JsonLog::dropped() const { return writer_->overrun_counter() + sink_->dropped(); }

void JsonLog::write(LogLevel level, std::string_view event, std::string_view message,
                    std::initializer_list<LogField> fields) {
  if (level < least_.load(std::memory_order_relaxed)) return;
  const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  thread_local std::string line;  // its memory is used again for the next one
  line.clear();
  append_line(line, now, level, event, message, fields);
  logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace sojourn::app
