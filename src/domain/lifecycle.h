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
#include <string>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/error.h"
#include "domain/event.h"
#include "domain/idempotency.h"
#include "domain/identity.h"
#include "domain/policy.h"
#include "domain/session.h"

namespace sojourn::domain {

// One atomic step. `before` absent: a session begins; `after` absent: it is over; both absent: only
// `idempotency` changes. `event` absent: nothing anyone listens for (a touch).
struct Change {
  std::optional<Session> before;
  std::optional<Session> after;
  std::optional<Event> event;

  // When the session is next due for the reaper. keep: as it was filed, which may be too early but
  // never too late, so that a touch costs nothing more. refile: at after.expires_at.
  enum class Expiry { keep, refile };
  Expiry expiry = Expiry::keep;

  // off: the event takes its place in the log and is removed in the same step, with all before it.
  // So a log is whole or says where it is not, whenever it was turned off.
  enum class Logging { on, off };
  Logging logging = Logging::on;

  std::optional<IdempotencyChange> idempotency;

  friend bool operator==(const Change&, const Change&) = default;
};

// What a caller gives with a create or an associate.
struct Update {
  Identity identity;
  std::string attributes;  // a merge patch (domain/attributes.h): a JSON object; empty: none
};

// Whether the session exists for callers at `now`: false from the instant expires_at on.
bool is_live(const Session& session, Time now);

// "Creates new named or anonymous (agentId, customerId, visitId not provided) session". `cause` is
// requested or automatic. Refuses with body_too_large when there are too many attributes.
Result<Change> create(const TenantId& tenant, const Update& given, Cause cause,
                      const Policy& policy, Time now, Entropy& entropy);

// "Associate recognized user with previously started anonymous session". Sets what is given, merges
// the attributes and keeps the rest. Refuses with customer_conflict as the policy says, with
// body_too_large when there would be too many attributes. Repeating an association changes nothing
// but the idle time. Nothing: there is nothing to write. `session` is live.
Result<std::optional<Change>> update(const Session& session, const Update& given,
                                     const Policy& policy, Time now);

// The idle time starts again. Nothing: the access is not counted. `session` is live.
std::optional<Change> touch(const Session& session, const Policy& policy, Time now);

// A caller ends the session; `cause` is ended or ended_all. Final: its id is never used again.
// `session` is live.
Change end(const Session& session, Cause cause, Time now);

// The session is removed because its time is over: its lifetime, if by `policy` no access could
// have moved expires_at further, else its idle time. `session` is not live.
Change expire(const Session& session, const Policy& policy);

// The session was found due. It expires if its time is over, else it is filed anew for when it will
// be.
Change reap(const Session& session, const Policy& policy, Time now);

}  // namespace sojourn::domain
