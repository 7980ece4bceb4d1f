// The use cases: the three operations of the published Session Management API, and ours.
//
// Each reads what is committed, lets the pure rules of domain/lifecycle.h decide, and commits what
// they decided; when another request was first, it reads and decides again. What an answer shows is
// durable. One verb a file: create.cc, retrieve.cc, associate.cc, end.cc, list.cc, ...
//
// Errors: what the rules refuse (session_not_found, tenant_not_found, customer_conflict,
// version_mismatch, idempotency_key_reused, body_too_large, rate_limited and quota_exceeded when
// a session would begin) and what the store cannot do (store_unavailable, store_full, overloaded).
// A store that cannot answer is never "unknown": an outage creates no sessions and ends none. Nor
// is a session that is past its time and whose end cannot be committed: see change.h for what makes
// "over" final.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/error.h"
#include "base/rate.h"
#include "base/task.h"
#include "base/timer.h"
#include "domain/lifecycle.h"
#include "domain/precondition.h"
#include "domain/session.h"
#include "sessions/tenants.h"

namespace sojourn::store {
class SessionStore;
}

namespace sojourn::limits {
struct Limiter;
}

namespace sojourn::sessions {

class CreationsUnderWay;

// events.*
struct EventsOptions {
  // How long events are kept. 0: not at all.
  Duration retention = std::chrono::hours(14 * 24);
};

// limits.client_*: of each client, whichever tenants it names. Those of tenants are in their
// policy.
struct ClientLimits {
  Rate requests;
  Rate creates;
};

// The neighbours of the use cases on one thread; they outlive every Task. The options may be
// replaced on that thread at any time: a use case reads them once, or again after it waited.
struct Context {
  store::SessionStore& store;  // this thread's own
  const Clock& clock;
  Entropy& entropy;
  std::shared_ptr<const Tenants> tenants;  // never null
  EventsOptions events;
  limits::Limiter& limiter;      // of the whole process
  CreationsUnderWay& creations;  // of the whole process
  Timer& timer;                  // of this thread
  ClientLimits client_limits = {};
};

struct Answer {
  domain::Session session;
  bool is_new = false;  // this call made the session
};

struct CreateRequest {
  domain::TenantId tenant;
  domain::Update given;
  // 1 to 128 visible ASCII characters: repeating key and request gives the same session, `is_new`
  // again. The same key with another request: idempotency_key_reused. A key whose session is over
  // is session_not_found until the key is forgotten, 24 hours after its first use. Absent: no key.
  std::optional<std::string> idempotency_key;
  // The name of the API key that the caller showed; empty: none. Keys of two callers never meet.
  std::string caller = {};
  // Who asks, as the limits of new sessions count it; empty: nobody whom they concern. So below.
  std::string client = {};
};

// "Creates new named or anonymous (agentId, customerId, visitId not provided) session".
Task<Result<Answer>> create(Context& context, CreateRequest request);

enum class IfUnknown {
  by_policy,     // policy.on_unknown_id: a new session, or session_not_found
  never_create,  // session_not_found
};

struct RetrieveRequest {
  domain::TenantId tenant;
  std::optional<domain::SessionId> id;  // absent: the text was no id, so it is unknown
  domain::Identity given;               // serves the automatic creation only
  IfUnknown if_unknown = IfUnknown::by_policy;
  // If-Match. Present: an unknown id is version_mismatch, and nothing is created.
  std::optional<domain::EntityTags> if_match = {};
  std::string client = {};
};

// "Returns information about existing session of specified id, or about automatically created new
// session." The idle time of a live session starts again; nothing else changes. When that cannot be
// written, the answer shows the expiresAt that is stored, while that is not over. `request` must
// live until the Task is done: most calls are this one, and it is spared the copy.
Task<Result<Answer>> retrieve(Context& context, const RetrieveRequest& request);

struct AssociateRequest {
  domain::TenantId tenant;
  std::optional<domain::SessionId> id;  // absent: the text was no id, so it is unknown
  domain::Update given;
  // With any, nothing is created: an unknown id is version_mismatch, or session_not_found.
  domain::Preconditions conditions = {};
  std::string client = {};
};

// "Associate recognized user with previously started anonymous session". An unknown, ended or
// expired id: as retrieve, a new session that carries what is given.
Task<Result<Answer>> associate(Context& context, AssociateRequest request);

struct EndRequest {
  domain::TenantId tenant;
  std::optional<domain::SessionId> id;
  domain::Preconditions conditions = {};
};

// Ends a live session, for good: no later call revives the id. The answer shows it as it was last.
// session_not_found when there is none (version_mismatch when there is an If-Match).
Task<Result<Answer>> end(Context& context, EndRequest request);

struct EndAllRequest {
  domain::TenantId tenant;
  domain::AttributeValue where;
  std::optional<domain::SessionId> except;  // this one stays
};

// Ends all live sessions that have the value: at least every one whose create or associate was
// answered before this call began. Returns how many this call ended.
Task<Result<size_t>> end_all(Context& context, EndAllRequest request);

struct ListRequest {
  domain::TenantId tenant;
  std::optional<domain::AttributeValue> where;  // absent: all of the tenant
  std::optional<domain::SessionId> below;  // from where the page before ended; absent: the newest
  size_t limit = 50;
};

struct Listing {
  std::vector<domain::Session> sessions;  // live ones, newest first
  std::optional<domain::SessionId>
      below;  // to ask for the next page with; absent: this is the last
};

// A page of live sessions; does not touch them. A page may be shorter than `limit` and not be the
// last, when many that are over were in the way, or when it is large (store/page_budget.h). Those
// that are over are removed first: at most 20 times `limit`, each of which the reaper is spared.
Task<Result<Listing>> list(Context& context, ListRequest request);

// Live sessions of a tenant, exactly: removes those that are over and not yet reaped, and counts
// what is stored.
Task<Result<domain::Counts>> count(Context& context, domain::TenantId tenant);

struct ReadEventsRequest {
  domain::TenantId tenant;
  // Those after this number; 0: from the very beginning. Absent: from the oldest that is kept.
  std::optional<uint64_t> after;
  size_t limit = 100;
};

// A page of the events of a tenant, in order. It has a gap when events after `after` were removed,
// or `after` is a place of another log, or of a future that this log does not have.
Task<Result<domain::EventPage>> read_events(Context& context, ReadEventsRequest request);

struct Reaped {
  size_t expired = 0;    // sessions removed because their time was over
  size_t refiled = 0;    // sessions found due too early, and filed for later
  size_t forgotten = 0;  // idempotency keys
  size_t trimmed = 0;    // events older than their retention
  bool more = false;     // the limit was reached: there is more to do now
};

// One bounded step of removing what is over: at most `limit` sessions and keys, and `limit` events.
// Any number of threads and processes may do so at once.
Task<Result<Reaped>> reap(Context& context, size_t limit);

}  // namespace sojourn::sessions
