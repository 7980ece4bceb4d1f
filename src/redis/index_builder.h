// The index of sessions that processes with another option sessions.index have written.
#pragma once

#include <functional>
#include <vector>

#include "domain/identity.h"
#include "redis/client.h"
#include "servers.h"

namespace sojourn::redis {

// Makes the index fit the attributes, unless it was made for them before: of every session that is
// stored. What processes with the same option change meanwhile is right. Can be broken off and
// begun again at any time, and is when `stop` says so (docs/internals/redis-data-format.md, "When
// sessions.index changes").
Task<Result<void>> fit_index(Client& client, Servers& servers,
                             std::vector<domain::IdentityAttribute> indexed,
                             const std::function<bool()>& stop);

}  // namespace sojourn::redis
