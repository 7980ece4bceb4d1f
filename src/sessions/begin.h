// How a session begins, asked for or by itself.
#pragma once

#include "domain/event.h"
#include "sessions/operations.h"

namespace sojourn::sessions {

// How often a request reads and decides again because others changed the session first. Each round
// that one request loses, another wins, so hundreds of clients on one session still all get
// through.
inline constexpr int kMaxAttempts = 1000;
std::unexpected<Error> too_many_conflicts();

// Commits a new session. `cause` is requested or automatic.
Task<Result<Answer>> begin(Context& context, const domain::TenantId& tenant,
                           const domain::Identity& given, domain::Cause cause);

// What happens to a request that named an id nobody knows: a new session with an id of its own (the
// one that was asked for is never adopted, that would be session fixation), or session_not_found.
Task<Result<Answer>> begin_for_unknown_id(Context& context, const domain::TenantId& tenant,
                                          const domain::Identity& given, IfUnknown if_unknown);

}  // namespace sojourn::sessions
