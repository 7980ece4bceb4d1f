// How a session begins, asked for or by itself.
#pragma once

#include "sessions/operations.h"

namespace sojourn::sessions {

// Commits a new session. `cause` is requested or automatic.
Task<Result<Answer>> begin(Context& context, const domain::TenantId& tenant,
                           const domain::Update& given, domain::Cause cause);

// What happens to a request that named an id nobody knows: a new session with an id of its own (the
// one that was asked for is never adopted, that would be session fixation), or session_not_found.
Task<Result<Answer>> begin_for_unknown_id(Context& context, const domain::TenantId& tenant,
                                          const domain::Update& given, IfUnknown if_unknown);

// Whether the tenant may begin one more session now. Asked once for each that is to begin.
Result<void> take_creation(Context& context, const domain::TenantId& tenant,
                           const domain::Policy& policy);

std::unexpected<Error> session_not_found();

}  // namespace sojourn::sessions
