#include "telemetry/refusal_log.h"

#include <string>

#include "base/text.h"

namespace sojourn::telemetry {
namespace {

bool is_worth_a_line(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_request:
    case ErrorKind::unauthenticated:
    case ErrorKind::forbidden:
    case ErrorKind::request_timeout:
    case ErrorKind::body_too_large:
    case ErrorKind::headers_too_large:
    case ErrorKind::rate_limited:
    case ErrorKind::quota_exceeded:
    case ErrorKind::overloaded:
      return true;
    default:
      return is_fault(kind);
  }
}

}  // namespace

RefusalLog::RefusalLog(std::vector<RequestWatch*> loops, const Clock& clock, Log& log)
    : loops_(std::move(loops)), clock_(clock), log_(log), looked_at_(clock.now()) {}

void RefusalLog::look() {
  const Time now = clock_.now();
  for (size_t i = 0; i < kErrorKinds; ++i)
    look_at(static_cast<ErrorKind>(i), now, PacedCount::kPause);
  looked_at_ = now;
}

void RefusalLog::finish() {
  const Time now = clock_.now();
  for (size_t i = 0; i < kErrorKinds; ++i) look_at(static_cast<ErrorKind>(i), now, Duration(0));
}

void RefusalLog::look_at(ErrorKind kind, Time now, Duration pause) {
  if (!is_worth_a_line(kind)) return;
  uint64_t count = 0;
  for (const RequestWatch* loop : loops_) count += loop->counters().refusals(kind);
  const auto sum = told_[static_cast<size_t>(kind)].due(count, now, looked_at_, pause);
  if (sum) tell(kind, sum->count, sum->since);
}

void RefusalLog::tell(ErrorKind kind, uint64_t count, Time since) {
  std::string time;
  append_rfc3339(time, since);
  if (!is_fault(kind)) {
    log_.write(LogLevel::warning, "requests.refused", "Requests were refused.",
               {{"code", code_of(kind)}, {"count", count}, {"since", time}});
    return;
  }
  FaultExample example;
  for (RequestWatch* loop : loops_) {
    auto one = loop->faults().take(kind);
    if (example.trace_id.empty() && !one.method.empty()) example = std::move(one);
  }
  log_.write(LogLevel::error, "requests.failed",
             "Requests failed for a reason that is not the caller's; one of them is shown.",
             {{"code", code_of(kind)},
              {"count", count},
              {"since", time},
              {"method", example.method},
              {"route", example.route},
              {"trace_id", example.trace_id},
              {"parent_id", example.parent_id}});
}

}  // namespace sojourn::telemetry
