#include "gate.h"

#include "api/error_table.h"
#include "request_reader.h"

namespace sojourn::api {
namespace {

Admission refuse(const access::Refusal& refusal, http::Response& response) {
  write_error(refusal.error, response);
  if (!refusal.challenge.empty()) response.add_field("WWW-Authenticate", refusal.challenge);
  return {.admitted = false};
}

}  // namespace

Admission admit_by_key(Api& api, access::Scope needed, http::Request& request,
                       http::Response& response) {
  const auto key = api.guard.identify(request);
  if (!key) return refuse(key.error(), response);
  if (!(*key)->scopes.has(needed)) return refuse(access::missing_scope(needed), response);
  // A tenant that cannot be read is the handler's to refuse, which reads it in the same way.
  const auto tenant = read_tenant(request, *api.context.tenants);
  if (tenant && !(*key)->is_for(*tenant)) return refuse(access::wrong_tenant(), response);
  return {.admitted = true, .key = *key};
}

}  // namespace sojourn::api
