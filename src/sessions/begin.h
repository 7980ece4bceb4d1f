// How a session begins, asked for or by itself.
#pragma once

#include "sessions/operations.h"

namespace sojourn::sessions {

// Commits a new session. `cause` is requested or automatic; `client` as in the requests.
Task<Result<Answer>> begin(Context& context, const std::string& client,
                           const domain::TenantId& tenant, const domain::Update& given,
                           domain::Cause cause);

// What happens to a request that named an id nobody knows: a new session with an id of its own (the
// one that was asked for is never adopted, that would be session fixation), or session_not_found.
Task<Result<Answer>> begin_for_unknown_id(Context& context, const std::string& client,
                                          const domain::TenantId& tenant,
                                          const domain::Update& given, IfUnknown if_unknown);

// Whether the client, and then the tenant, may begin one more session now: so a client that may not
// uses none of its tenant's. Asked once for each that is to begin.
Result<void> take_creation(Context& context, const std::string& client,
                           const domain::TenantId& tenant, const domain::Policy& policy);

std::unexpected<Error> session_not_found();

}  // namespace sojourn::sessions
