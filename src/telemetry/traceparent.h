// W3C Trace Context: which trace a request belongs to.
// https://www.w3.org/TR/trace-context-1/ (Recommendation, 23 November 2021), section 3.2.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "http/message.h"

namespace sojourn::telemetry {

// Views into the value that was parsed.
struct TraceParent {
  std::string_view trace_id;   // 32 lower-case hexadecimal digits, not all 0
  std::string_view parent_id;  // 16 of them, not all 0
};

// "00-<trace-id>-<parent-id>-<flags>". Of a higher version only this beginning is read, as
// section 3.2.4 has it: more may follow, after a dash. Nothing for any other text.
std::optional<TraceParent> parse_traceparent(std::string_view text);

// The one that the request carries. Nothing when it has none, a wrong one, or several: then its
// sender did not mean any.
std::optional<TraceParent> traceparent_of(std::span<const http::Field> fields);

}  // namespace sojourn::telemetry
