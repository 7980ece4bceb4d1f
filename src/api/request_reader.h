// Reads what every call of the API may carry: the tenant, the identity, the session id.
#pragma once

#include <optional>

#include "base/error.h"
#include "domain/identity.h"
#include "domain/lifecycle.h"
#include "domain/precondition.h"
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

// What a PUT or POST gives: the identity headers, and visitId, globalVisitId and attributes of the
// body. A body must be application/json, else unsupported_media_type; an empty body may have any
// media type or none.
Result<domain::Update> read_update(const http::Request& request);

// The id in the path. Absent: the text is no id of this server, so it is unknown.
std::optional<domain::SessionId> read_session_id(const http::Request& request);

// A query parameter, percent-decoded. Absent: it is not there. Given twice or badly encoded:
// invalid_parameter.
Result<std::optional<std::string>> read_parameter(const http::Request& request,
                                                  std::string_view name);

// A query parameter that is a session id, such as a cursor. Any other text: invalid_parameter.
Result<std::optional<domain::SessionId>> read_id_parameter(const http::Request& request,
                                                           std::string_view name);

// The query parameter `limit`: a whole number from 1 to `most`, else invalid_parameter.
Result<size_t> read_limit(const http::Request& request, size_t most, size_t when_absent);

// The identity attribute by which sessions are meant: agentId, customerId, visitId or globalVisitId
// as a query parameter. Absent: none is given. invalid_parameter when more than one is, or when its
// value is empty, too long or no UTF-8.
Result<std::optional<domain::AttributeValue>> read_attribute(const http::Request& request);

// If-Match or If-None-Match (RFC 9110 8.8.3, 13.1.1, 13.1.2): "*" or a list of entity tags. Tags
// that are none of ours, and for If-Match weak ones, match nothing. invalid_header when it is no
// such list.
enum class Comparison { strong, weak };
Result<std::optional<domain::EntityTags>> read_entity_tags(const http::Request& request,
                                                           std::string_view field_name,
                                                           Comparison comparison);

// Idempotency-Key. invalid_header unless it is 1 to 128 visible ASCII characters, given once.
Result<std::optional<std::string>> read_idempotency_key(const http::Request& request);

}  // namespace sojourn::api
