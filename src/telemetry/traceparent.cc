#include "telemetry/traceparent.h"

#include <algorithm>

#include "http/fields.h"

namespace sojourn::telemetry {
namespace {

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view text) {
  constexpr size_t kLength = 55;
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
  const std::string_view version = text.substr(0, 2);
  if (!is_hex(version) || version == "ff") return {};
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) return {};
  const TraceParent parsed{.trace_id = text.substr(3, 32), .parent_id = text.substr(36, 16)};
  if (!is_id(parsed.trace_id) || !is_id(parsed.parent_id) || !is_hex(text.substr(53, 2))) return {};
  return parsed;
}

std::optional<TraceParent> traceparent_of(std::span<const http::Field> fields) {
  const auto found = http::only_value_of(fields, "traceparent");
  return found && *found ? parse_traceparent(**found) : std::nullopt;
}

}  // namespace sojourn::telemetry
