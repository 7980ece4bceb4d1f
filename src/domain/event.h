// What happened to a session, as the event log tells it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/identity.h"
#include "domain/session_id.h"
#include "domain/tenant_id.h"

namespace sojourn::domain {

// The numbers are stored: never give one another meaning.
enum class EventType : uint8_t {
  created = 1,     // session.created
  identified = 2,  // session.identified: agentId, customerId, visitId or globalVisitId changed
  updated = 3,     // session.updated: only attributes changed
  expired = 4,     // session.expired
  ended = 5,       // session.ended
};

// Why it happened. The numbers are stored.
enum class Cause : uint8_t {
  requested = 1,  // a caller asked for just this
  automatic = 2,  // made for a request with an unknown id
  expired =
      3,      // its time was over; only in older events, which do not tell idle and lifetime apart
  ended = 4,  // a caller ended it
  ended_all = 5,         // a caller ended all that have a value
  expired_idle = 6,      // nobody used it for its idle time
  expired_lifetime = 7,  // its lifetime was over, used or not
};

// What is known of a session's owner and the caller's data. In an event: only what changed. Empty
// means absent or unchanged; attributes that became empty are "{}".
struct Facts {
  Identity identity;
  std::string attributes;

  friend bool operator==(const Facts&, const Facts&) = default;
};

// One change of one session. Applying the events of a tenant in their order, from none, gives its
// sessions: a created one begins with `to`; `to` of identified and updated replaces what it names;
// expired and ended are the end.
struct Event {
  EventType type;
  Cause cause;
  Time time;  // when it happened; of an expired session: when it was due
  TenantId tenant;
  SessionId session;
  uint64_t version;  // the session's after the change; of one that is over: its last
  Facts from;        // what changed, as it was; of one that is over: all of it
  Facts to;          // what changed, as it is now; of a created one: all of it

  friend bool operator==(const Event&, const Event&) = default;
};

// An event in the log of its tenant.
struct LoggedEvent {
  uint64_t number;  // its place: above 0, rising within the tenant, never given twice
  Event event;
};

// Some events of a log, one after the other. The places of a log are the numbers of its events, and
// its mark: the number of the last event that was removed from it, 0 when none was.
struct EventPage {
  std::vector<LoggedEvent> events;  // oldest first
  uint64_t from = 0;                // the place directly before the first of them
  // More happened between where the reader was and `from` than the log can tell.
  bool gap = false;

  // Where to go on reading.
  uint64_t next() const { return events.empty() ? from : events.back().number; }
};

}  // namespace sojourn::domain
