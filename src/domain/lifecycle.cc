#include "domain/lifecycle.h"

#include <algorithm>

#include "domain/attributes.h"

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

Event event_of(EventType type, Cause cause, Time time, const Session& session, Facts from,
               Facts to) {
  return {.type = type,
          .cause = cause,
          .time = time,
          .tenant = session.tenant,
          .session = session.id,
          .version = session.version,
          .from = std::move(from),
          .to = std::move(to)};
}

Facts all_facts(const Session& session) { return {session.identity, session.attributes}; }

// What `change` is of `base`: the facts in which it differs from `other`.
Facts differing(const Session& base, const Session& other) {
  const auto pick = [](const std::string& value, const std::string& rival) {
    return value == rival ? std::string() : value;
  };
  Facts facts;
  facts.identity = {
      .agent_id = pick(base.identity.agent_id, other.identity.agent_id),
      .customer_id = pick(base.identity.customer_id, other.identity.customer_id),
      .visit_id = pick(base.identity.visit_id, other.identity.visit_id),
      .global_visit_id = pick(base.identity.global_visit_id, other.identity.global_visit_id)};
  if (base.attributes != other.attributes) {
    facts.attributes = base.attributes.empty() ? "{}" : base.attributes;
  }
  return facts;
}

// The end of a session, for whatever cause.
Change over(const Session& session, EventType type, Cause cause, Time time) {
  Change change;
  change.before = session;
  change.event = event_of(type, cause, time, session, all_facts(session), {});
  return change;
}

}  // namespace

bool is_live(const Session& session, Time now) { return now < session.expires_at; }

Result<Change> create(const TenantId& tenant, const Update& given, Cause cause,
                      const Policy& policy, Time now, Entropy& entropy) {
  auto attributes = merged_attributes({}, given.attributes);
  if (!attributes) return std::unexpected(std::move(attributes.error()));
  Change change;
  change.after = Session{.id = SessionId::make(now, entropy),
                         .tenant = tenant,
                         .identity = given.identity,
                         .created_at = now,
                         .last_accessed_at = now,
                         .expires_at = expiry(now, now, policy),
                         .version = 1,
                         .attributes = *std::move(attributes)};
  change.event =
      event_of(EventType::created, cause, now, *change.after, {}, all_facts(*change.after));
  return change;
}

Result<std::optional<Change>> update(const Session& session, const Update& given,
                                     const Policy& policy, Time now) {
  const std::string& customer = session.identity.customer_id;
  if (policy.on_customer_conflict == OnCustomerConflict::reject && !customer.empty() &&
      !given.identity.customer_id.empty() && given.identity.customer_id != customer) {
    return failure(ErrorKind::customer_conflict,
                   "This session belongs to another customer already, and nothing was changed; "
                   "create a new session for this customer.");
  }
  auto attributes = merged_attributes(session.attributes, given.attributes);
  if (!attributes) return std::unexpected(std::move(attributes.error()));
  Identity identity = merged(session.identity, given.identity);
  const bool identified = identity != session.identity;
  if (!identified && *attributes == session.attributes) return touch(session, policy, now);

  Session after = accessed(session, policy, now);
  after.identity = std::move(identity);
  after.attributes = *std::move(attributes);
  after.version += 1;
  Change change;
  change.event = event_of(identified ? EventType::identified : EventType::updated, Cause::requested,
                          now, after, differing(session, after), differing(after, session));
  change.before = session;
  change.after = std::move(after);
  return change;
}

std::optional<Change> touch(const Session& session, const Policy& policy, Time now) {
  const Time expires_at = expiry(session.created_at, now, policy);
  if (expires_at <= session.expires_at) return std::nullopt;
  if (expires_at - session.expires_at < policy.touch_interval) return std::nullopt;
  Change change;
  change.before = session;
  change.after = accessed(session, policy, now);
  return change;
}

Change end(const Session& session, Cause cause, Time now) {
  return over(session, EventType::ended, cause, now);
}

Change expire(const Session& session, const Policy& policy) {
  const bool lifetime = session.expires_at >= session.created_at + policy.max_lifetime;
  const Cause cause = lifetime ? Cause::expired_lifetime : Cause::expired_idle;
  return over(session, EventType::expired, cause, session.expires_at);
}

Change reap(const Session& session, const Policy& policy, Time now) {
  if (!is_live(session, now)) return expire(session, policy);
  Change change;
  change.before = session;
  change.after = session;
  change.expiry = Change::Expiry::refile;
  return change;
}

}  // namespace sojourn::domain
