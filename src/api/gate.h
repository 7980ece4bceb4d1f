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

// Asks for an API key with this scope and for this tenant, when keys are configured.
Admission admit_by_key(Api& api, access::Scope needed, http::Request& request,
                       http::Response& response);

// Without keys this is one branch.
inline Admission admit(Api& api, access::Scope needed, http::Request& request,
                       http::Response& response) {
  if (api.guard.is_open()) return {.admitted = true};
  return admit_by_key(api, needed, request, response);
}

}  // namespace sojourn::api
