// What happened to a session, as the event log will tell it.
#pragma once

namespace sojourn::domain {

enum class EventType {
  created,     // session.created
  identified,  // session.identified: agentId, customerId, visitId or globalVisitId changed
  updated,     // session.updated: only attributes changed
  expired,     // session.expired
  ended,       // session.ended
};

// Why it happened.
enum class Cause {
  requested,  // a caller asked for just this
  automatic,  // made for a request with an unknown id
  expired,    // its time was over
  ended,      // a caller ended it
};

struct Event {
  EventType type;
  Cause cause;

  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace sojourn::domain
