#include "gate.h"

#include "api/error_table.h"
#include "client_key.h"
#include "limits/limiter.h"
#include "request_reader.h"

namespace sojourn::api {
namespace {

Admission refuse(const access::Refusal& refusal, http::Response& response) {
  write_error(refusal.error, response);
  if (!refusal.challenge.empty()) response.add_field("WWW-Authenticate", refusal.challenge);
  return {.admitted = false};
}

}  // namespace

Admission admit_carefully(Api& api, access::Scope needed, http::Request& request,
                          http::Response& response) {
  // Before the key, so that guessing keys is slow.
  const auto of_client = limits::take(api.context.limiter.client_requests, client_key(request),
                                      api.context.client_limits.requests, api.context.clock.now(),
                                      "requests of this client");
  if (!of_client) return refuse({of_client.error(), {}}, response);

  const access::ApiKey* key = nullptr;
  if (!api.guard.is_open()) {
    const auto shown = api.guard.identify(request);
    if (!shown) return refuse(shown.error(), response);
    key = *shown;
    if (!key->scopes.has(needed)) return refuse(access::missing_scope(needed), response);
  }
  // A tenant that cannot be read, or that there is not, is the handler's to refuse, which reads it
  // in the same way.
  const auto tenant = read_tenant(request, *api.context.tenants);
  if (!tenant) return {.admitted = true, .key = key};
  if (key && !key->is_for(*tenant)) return refuse(access::wrong_tenant(), response);
  if (const auto policy = api.context.tenants->policy_of(*tenant)) {
    const auto taken =
        limits::take(api.context.limiter.tenant_requests, tenant->text(), policy->requests,
                     api.context.clock.now(), "requests of this tenant");
    if (!taken) return refuse({taken.error(), {}}, response);
  }
  return {.admitted = true, .key = key};
}

}  // namespace sojourn::api
