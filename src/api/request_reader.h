// Reads what every call of the API may carry: the tenant, the identity, the session id.
#pragma once

#include <optional>

#include "base/error.h"
#include "domain/identity.h"
#include "domain/lifecycle.h"
#include "domain/session_id.h"
#include "domain/tenant_id.h"
#include "http/message.h"
#include "sessions/tenants.h"

namespace sojourn::api {

// "tenantId String Yes Tenant identifier": the query parameter. Absent: `tenants.default`, else
// tenant_id_required. Given twice, badly encoded or out of bounds: invalid_parameter. It is not
// trimmed: a tenant is opaque.
Result<domain::TenantId> read_tenant(const http::Request& request,
                                     const sessions::Tenants& tenants);

// "gkc_agentId String No Agent ID, gkc_customerId String No Customer ID": the header fields, also
// spelt with a dash. Empty means absent. invalid_header when one is given twice with different
// values, is longer than 256 bytes, is not UTF-8 or holds control characters.
Result<domain::Identity> read_identity_headers(const http::Request& request);

// What a PUT or POST gives: the identity headers, and the members of the body. A header and a
// member that say different things: invalid_header, and so are two Content-Type fields. A body must
// be application/json and not be encoded, else unsupported_media_type; an empty body may have any
// media type or none.
Result<domain::Update> read_update(const http::Request& request);
// Answers with the error of read_update(), and with what would be accepted where it says so (RFC
// 9110 15.5.16).
void refuse_update(const http::Request& request, const Error& error, http::Response& response);

// The id in the path. Absent: the text is no id of this server, so it is unknown.
std::optional<domain::SessionId> read_session_id(const http::Request& request);

// A query parameter that is a session id, such as a cursor. Any other text: invalid_parameter.
Result<std::optional<domain::SessionId>> read_id_parameter(const http::Request& request,
                                                           std::string_view name);

// The query parameter `limit`: a whole number from 1 to `most`, else invalid_parameter.
Result<size_t> read_limit(const http::Request& request, size_t most, size_t when_absent);

// The identity attribute by which sessions are meant: agentId, customerId, visitId or globalVisitId
// as a query parameter, trimmed like the headers. Absent: none is given. invalid_parameter when
// more than one is, or when its value is empty, too long, no UTF-8 or has control characters.
Result<std::optional<domain::AttributeValue>> read_attribute(const http::Request& request);

// Idempotency-Key. invalid_header unless it is 1 to 128 visible ASCII characters, given once.
Result<std::optional<std::string>> read_idempotency_key(const http::Request& request);

}  // namespace sojourn::api
