#include "telemetry/fault_examples.h"

#include "telemetry/traceparent.h"

namespace sojourn::telemetry {

bool is_fault(ErrorKind kind) {
  return kind == ErrorKind::internal || kind == ErrorKind::store_unavailable ||
         kind == ErrorKind::store_full;
}

void FaultExamples::note(ErrorKind kind, const http::Request& request) {
  const auto trace = traceparent_of(request.fields).value_or(TraceParent{});
  const std::lock_guard lock(mutex_);
  FaultExample& example = examples_[static_cast<size_t>(kind)];
  // One that leads into a trace is worth more than a later one that does not.
  if (trace.trace_id.empty() && !example.trace_id.empty()) return;
  example = {.method = name_of(request.method),
             .route = request.route,
             .trace_id = std::string(trace.trace_id),
             .parent_id = std::string(trace.parent_id)};
}

}  // namespace sojourn::telemetry
