// The rules of a session's life, as pure functions: no I/O, no threads, no clock.
//
// Each takes what is and what is asked, and answers with a Change for a store to commit, or a
// refusal. A Change is decided on the session as it was read; the store commits it only if the
// stored session still is that one (store/session_store.h), else the caller reads and decides
// again.
//
// expiresAt = min(last counted access + idle_timeout, createdAt + max_lifetime). An access is
// counted when it moves expiresAt by at least touch_interval. No rule moves expiresAt back, so a
// session never ends before the expiresAt that was last shown, even when the clock or the policy
// does.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/error.h"
#include "domain/event.h"
#include "domain/identity.h"
#include "domain/policy.h"
#include "domain/session.h"

namespace sojourn::domain {

// One atomic step in the life of one session. `before` absent: it begins; `after` absent: it is
// over; never both. `event` absent: nothing anyone listens for (a touch).
struct Change {
  std::optional<Session> before;
  std::optional<Session> after;
  std::optional<Event> event;

  friend bool operator==(const Change&, const Change&) = default;
};

// Whether the session exists for callers at `now`: false from the instant expires_at on.
bool is_live(const Session& session, Time now);

// "Creates new named or anonymous (agentId, customerId, visitId not provided) session". `cause` is
// requested or automatic.
Change create(const TenantId& tenant, const Identity& given, Cause cause, const Policy& policy,
              Time now, Entropy& entropy);

// "Associate recognized user with previously started anonymous session". Sets what is given and
// keeps the rest. Refuses with customer_conflict as the policy says. Repeating an association
// changes nothing but the idle time. Nothing: there is nothing to write. `session` is live.
Result<std::optional<Change>> identify(const Session& session, const Identity& given,
                                       const Policy& policy, Time now);

// The idle time starts again. Nothing: the access is not counted. `session` is live.
std::optional<Change> touch(const Session& session, const Policy& policy, Time now);

}  // namespace sojourn::domain
