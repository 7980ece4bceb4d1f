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

EventStream::EventStream(Api& api, domain::TenantId tenant, std::optional<uint64_t> after,
                         std::optional<access::Digest> key)
    : api_(api), tenant_(std::move(tenant)), after_(after), key_(key) {
  api_.streams.opened.add();
}

Task<http::BodyStream::Step> EventStream::next(std::string& out) {
  if (!api_.guard.still_permits(key_, access::Scope::events, tenant_)) co_return Step::end;
  sessions::ReadEventsRequest asked{tenant_, after_, kEventsAtOnce};
  const auto page = co_await sessions::read_events(api_.context, std::move(asked));
  if (!page) co_return Step::end;
  // While the log is off, each change is a gap; a client is told now and then.
  const bool told = page->gap && page->events.empty() && sent_gap_ && silent_ < kHeartbeatInterval;
  if (!told) {
    if (page->gap) {
      append_stream_gap(out, after_.value_or(0), page->from);
      api_.streams.gaps.add();
    }
    const Time now = api_.context.clock.now();
    for (const domain::LoggedEvent& event : page->events) {
      append_stream_message(out, event);
      const Duration delay = std::max(now - event.event.time, Duration(0));
      api_.streams.delays.add(static_cast<uint64_t>(delay.count()));
    }
    after_ = page->next();
    if (page->gap || !page->events.empty()) {
      sent_gap_ = page->events.empty();
      silent_ = Duration(0);
      co_return Step::more;
    }
  }
  co_await sleep(api_.timer, kPollInterval);
  silent_ += kPollInterval;
  if (silent_ >= kHeartbeatInterval && !page->gap) {
    out.append(": nothing new\n\n");
    silent_ = Duration(0);
  }
  co_return Step::more;
}

}  // namespace sojourn::api
