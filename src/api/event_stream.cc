#include "event_stream.h"

#include <algorithm>

#include "base/sleep.h"
#include "event_json.h"

namespace sojourn::api {
namespace {

// How many events are read, and held in memory, at once.
constexpr size_t kEventsAtOnce = 100;
// How often the log is looked at. The look is one step in a memory map.
constexpr Duration kPollInterval = std::chrono::milliseconds(100);
// Proxies commonly close a connection that is silent for 30 or 60 s.
constexpr Duration kHeartbeatInterval = std::chrono::seconds(10);

}  // namespace

EventStream::EventStream(Api& api, domain::TenantId tenant, std::string cursor,
                         std::optional<access::Digest> key)
    : api_(api), tenant_(std::move(tenant)), cursor_(std::move(cursor)), key_(key) {
  api_.streams.opened.add();
}

Task<http::BodyStream::Step> EventStream::next(std::string& out) {
  if (!api_.guard.still_permits(key_, access::Scope::events, tenant_)) co_return Step::end;
  const auto events = co_await sessions::read_events(api_.context, tenant_, cursor_, kEventsAtOnce);
  if (!events) co_return Step::end;
  if (!events->empty()) {
    const Time now = api_.context.clock.now();
    for (const domain::LoggedEvent& event : *events) {
      append_stream_message(out, event);
      const Duration delay = std::max(now - event.event.time, Duration(0));
      api_.streams.delays.add(static_cast<uint64_t>(delay.count()));
    }
    cursor_ = events->back().cursor;
    silent_ = Duration(0);
    co_return Step::more;
  }
  co_await sleep(api_.timer, kPollInterval);
  silent_ += kPollInterval;
  if (silent_ >= kHeartbeatInterval) {
    out.append(": nothing new\n\n");
    silent_ = Duration(0);
  }
  co_return Step::more;
}

}  // namespace sojourn::api
