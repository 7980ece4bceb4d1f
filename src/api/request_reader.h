// Reads what every call of the API may carry: the tenant, the identity, the session id.
#pragma once

#include <optional>

#include "base/error.h"
#include "domain/identity.h"
#include "domain/session_id.h"
#include "domain/tenant_id.h"
#include "http/message.h"
#include "sessions/tenants.h"

namespace sojourn::api {

// "tenantId String Yes Tenant identifier": the query parameter. Absent: `tenants.default`, else
// tenant_id_required. Given twice, badly encoded or out of bounds: invalid_parameter.
Result<domain::TenantId> read_tenant(const http::Request& request,
                                     const sessions::Tenants& tenants);

// "gkc_agentId String No Agent ID, gkc_customerId String No Customer ID": the header fields, also
// spelt with a dash. Empty means absent. invalid_header when one is given twice with different
// values, is longer than 256 bytes, is not UTF-8 or holds control characters.
Result<domain::Identity> read_identity_headers(const http::Request& request);

// The identity of a PUT or POST: the headers, and visitId and globalVisitId of the body. A body
// must be application/json, else unsupported_media_type; an empty body may have any media type or
// none.
Result<domain::Identity> read_identity(const http::Request& request);

// The id in the path. Absent: the text is no id of this server, so it is unknown.
std::optional<domain::SessionId> read_session_id(const http::Request& request);

}  // namespace sojourn::api
