// What is known elsewhere of sessions that other processes have written: with another option
// sessions.index, or of a version that did not always say which shards a tenant has sessions in.
#pragma once

#include <functional>
#include <vector>

#include "domain/identity.h"
#include "presence.h"
#include "redis/client.h"
#include "servers.h"

namespace sojourn::redis {

// Makes the index fit the attributes, and completes what is known of the tenants' shards, unless
// that was done before: for every session that is stored. What processes with the same option and
// of this version change meanwhile is right. Can be broken off and begun again at any time, and is
// when `stop` says so (docs/internals/redis-data-format.md, "When sessions.index changes").
Task<Result<void>> fit_index(Client& client, Servers& servers, Presence& presence,
                             std::vector<domain::IdentityAttribute> indexed,
                             const std::function<bool()>& stop);

}  // namespace sojourn::redis
