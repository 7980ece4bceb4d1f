// The use cases: the three operations of the published Session Management API.
//
// Each reads the committed session, lets the pure rules of domain/lifecycle.h decide, and commits
// what they decided; when another request was first, it reads and decides again. What an answer
// shows is durable. One verb a file: create.cc, retrieve.cc, associate.cc.
//
// Errors: what the rules refuse (session_not_found, customer_conflict) and what the store cannot do
// (store_unavailable, store_full, overloaded). A store that cannot answer is never "unknown": an
// outage creates no sessions and ends none.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/error.h"
#include "base/task.h"
#include "domain/identity.h"
#include "domain/session.h"
#include "sessions/tenants.h"

namespace sojourn::store {
class SessionStore;
}

namespace sojourn::sessions {

// The neighbours of the use cases on one thread; they outlive every Task.
struct Context {
  store::SessionStore& store;  // this thread's own
  const Clock& clock;
  Entropy& entropy;
  const Tenants& tenants;
};

struct Answer {
  domain::Session session;
  bool is_new = false;  // this call made the session
};

struct CreateRequest {
  domain::TenantId tenant;
  domain::Identity given;
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
};

// "Returns information about existing session of specified id, or about automatically created new
// session." The idle time of a live session starts again; nothing else changes. A store that is
// full still answers, with the expiresAt that is stored.
Task<Result<Answer>> retrieve(Context& context, RetrieveRequest request);

struct AssociateRequest {
  domain::TenantId tenant;
  std::optional<domain::SessionId> id;  // absent: the text was no id, so it is unknown
  domain::Identity given;
};

// "Associate recognized user with previously started anonymous session". An unknown, ended or
// expired id: as retrieve, a new session that carries the given identity.
Task<Result<Answer>> associate(Context& context, AssociateRequest request);

}  // namespace sojourn::sessions
