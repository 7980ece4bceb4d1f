// The gate before every handler: may this caller do this for this tenant?
#pragma once

#include "access/api_key.h"
#include "api/api.h"
#include "http/message.h"

namespace sojourn::api {

struct Admission {
  bool admitted;  // else the response holds the refusal
  // Whose key it was; null when nobody is asked for one. For use before the handler first waits: a
  // reload may forget the key.
  const access::ApiKey* key = nullptr;
};

// Asks for a request of the client's, when these are limited; for an API key with this scope and
// for this tenant, when keys are configured; then for a request of the tenant's, when these are
// limited.
Admission admit_carefully(Api& api, access::Scope needed, http::Request& request,
                          http::Response& response);

// Without keys and limits these are three branches.
inline Admission admit(Api& api, access::Scope needed, http::Request& request,
                       http::Response& response) {
  if (api.guard.is_open() && !api.context.tenants->limit_requests() &&
      !api.context.client_limits.requests.limits()) {
    return {.admitted = true};
  }
  return admit_carefully(api, needed, request, response);
}

}  // namespace sojourn::api
