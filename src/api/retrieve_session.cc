// GET /sessions/{sessionId}, and HEAD, which never creates a session. Neither does a caller who may
// only read.
#include "api/error_table.h"
#include "base/text.h"
#include "client_key.h"
#include "preconditions.h"
#include "request_reader.h"
#include "routes.h"
#include "session_info.h"

namespace sojourn::api {
namespace {

// For proxies that ask with a sub-request and never see a body, such as nginx's auth_request.
void add_identity_field(std::string_view name, const std::string& value, http::Response& response) {
  // An imported session may hold control characters, which no field can carry.
  if (!value.empty() && !has_control_characters(value)) response.add_field(name, value);
}

}  // namespace

Task<void> retrieve_session(Api& api, http::Request& request, http::Response& response,
                            const access::ApiKey* key) {
  auto tenant = read_tenant(request, *api.context.tenants);
  if (!tenant) co_return write_error(tenant.error(), response);
  auto given = read_identity_headers(request);
  if (!given) co_return write_error(given.error(), response);
  auto conditions = read_preconditions(request);
  if (!conditions) co_return write_error(conditions.error(), response);

  const bool may_create =
      request.method != http::Method::head && (!key || key->scopes.has(access::Scope::write));
  const auto if_unknown =
      may_create ? sessions::IfUnknown::by_policy : sessions::IfUnknown::never_create;
  const sessions::RetrieveRequest asked{
      *std::move(tenant), read_session_id(request),        *std::move(given),
      if_unknown,         std::move(conditions->if_match), std::string(client_key(request))};
  const auto answer = co_await sessions::retrieve(api.context, asked);
  write_answer(api.options, answer, response);
  if (answer) {
    add_identity_field("gkc-customerId", answer->session.identity.customer_id, response);
    add_identity_field("gkc-agentId", answer->session.identity.agent_id, response);
  }
  const auto& if_none_match = conditions->if_none_match;
  if (answer && !answer->is_new && if_none_match &&
      if_none_match->match_weakly(answer->session.version)) {
    // RFC 9110 13.1.2 and 15.4.5: the caller has this version already. The access counts.
    response.status = 304;
    response.body.clear();
  }
}

}  // namespace sojourn::api
