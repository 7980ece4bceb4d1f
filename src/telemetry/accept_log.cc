#include "telemetry/accept_log.h"

#include <system_error>

#include "base/text.h"

namespace sojourn::telemetry {

AcceptLog::AcceptLog(std::vector<Listener> listeners, const Clock& clock, Log& log)
    : clock_(clock), log_(log), looked_at_(clock.now()) {
  for (Listener& listener : listeners) watched_.push_back({std::move(listener), {}});
}

void AcceptLog::look(Duration pause) {
  const Time now = clock_.now();
  for (auto& [listener, told] : watched_) {
    const auto sum = told.due(listener.failures(), now, looked_at_, pause);
    if (!sum) continue;
    std::string since;
    append_rfc3339(since, sum->since);
    const std::string reason = std::generic_category().message(listener.last_error());
    log_.write(
        LogLevel::error, "connections.not_accepted", "Clients could not connect.",
        {{"listener", listener.name}, {"count", sum->count}, {"since", since}, {"reason", reason}});
  }
  looked_at_ = now;
}

}  // namespace sojourn::telemetry
