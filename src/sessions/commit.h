// What every use case that changes something shares.
#pragma once

#include "sessions/operations.h"
#include "store/session_store.h"

namespace sojourn::sessions {

// How often a request reads and decides again because others changed the session first. Each round
// that one request loses, another wins, so hundreds of clients on one session still all get
// through.
inline constexpr int kMaxAttempts = 1000;
std::unexpected<Error> too_many_conflicts();

// Commits a change; its event is not kept when the log is off.
Task<Result<store::CommitOutcome>> commit(Context& context, const domain::Change& change);

}  // namespace sojourn::sessions
