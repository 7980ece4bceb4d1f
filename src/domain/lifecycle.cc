#include "domain/lifecycle.h"

#include <algorithm>

namespace sojourn::domain {
namespace {

Time expiry(Time created_at, Time accessed_at, const Policy& policy) {
  return std::min(accessed_at + policy.idle_timeout, created_at + policy.max_lifetime);
}

// The session as an access at `now` leaves it.
Session accessed(const Session& session, const Policy& policy, Time now) {
  Session after = session;
  after.last_accessed_at = std::max(session.last_accessed_at, now);
  after.expires_at = std::max(session.expires_at, expiry(session.created_at, now, policy));
  return after;
}

}  // namespace

bool is_live(const Session& session, Time now) { return now < session.expires_at; }

Change create(const TenantId& tenant, const Identity& given, Cause cause, const Policy& policy,
              Time now, Entropy& entropy) {
  return {.before = std::nullopt,
          .after = Session{.id = SessionId::make(now, entropy),
                           .tenant = tenant,
                           .identity = given,
                           .created_at = now,
                           .last_accessed_at = now,
                           .expires_at = expiry(now, now, policy),
                           .version = 1,
                           .attributes = {}},
          .event = Event{EventType::created, cause}};
}

Result<std::optional<Change>> identify(const Session& session, const Identity& given,
                                       const Policy& policy, Time now) {
  const std::string& customer = session.identity.customer_id;
  if (policy.on_customer_conflict == OnCustomerConflict::reject && !customer.empty() &&
      !given.customer_id.empty() && given.customer_id != customer) {
    return failure(ErrorKind::customer_conflict,
                   "This session belongs to another customer already, and nothing was changed; "
                   "create a new session for this customer.");
  }
  Identity identity = merged(session.identity, given);
  if (identity == session.identity) return touch(session, policy, now);

  Session after = accessed(session, policy, now);
  after.identity = std::move(identity);
  after.version += 1;
  return Change{.before = session,
                .after = std::move(after),
                .event = Event{EventType::identified, Cause::requested}};
}

std::optional<Change> touch(const Session& session, const Policy& policy, Time now) {
  const Time expires_at = expiry(session.created_at, now, policy);
  if (expires_at <= session.expires_at) return std::nullopt;
  if (expires_at - session.expires_at < policy.touch_interval) return std::nullopt;
  return Change{.before = session, .after = accessed(session, policy, now), .event = std::nullopt};
}

}  // namespace sojourn::domain
