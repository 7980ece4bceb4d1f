// Sessions in the servers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/session.h"
#include "servers.h"

namespace sojourn::redis {

// The record of a session (docs/internals/redis-data-format.md, "A record"). Equal sessions have
// equal records and different ones different records. `name`: encoding::SessionKeyBytes.
std::string record_of(std::string_view name, const domain::Session& session);

// The session of a record; store_unavailable when it is damaged or newer than this version.
Result<domain::Session> session_in(std::string_view record, const domain::TenantId& tenant,
                                   const domain::SessionId& id, Log& log);

Task<Result<std::optional<domain::Session>>> session_of(Servers& servers,
                                                        const domain::TenantId& tenant,
                                                        const domain::SessionId& id);

}  // namespace sojourn::redis
