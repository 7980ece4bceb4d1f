// The admin listener's service: is the process alive, is it ready, what does it answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "access/guard.h"
#include "http/service.h"

namespace sojourn::admin {

struct Readiness {
  enum class State { ready, draining, store_unavailable };

  State state;
  std::string_view reason = {};  // why not, part of a sentence; may be empty
};

struct AdminDependencies {
  // Whether requests can be served now. Called on the admin's loop for every /readyz.
  std::function<Readiness()> readiness;
  // The page of metrics. Called on the admin's loop for every /metrics.
  std::function<Task<std::string>()> metrics;
  // The keys, on the admin's loop.
  access::Guard& guard;
  // Renders errors as the API does.
  std::function<void(const Error&, http::Response&)> errors;
};

// GET /healthz: 200 while the process answers. GET /readyz: 200, or 503 while draining or while the
// store acknowledges nothing, with the reason. GET /metrics: for Prometheus. GET /openapi.json: the
// API's OpenAPI 3.1 document.
//
// When API keys are configured, everything but the first two, whatever is added later, asks for one
// with the scope admin; its tenants do not matter. Probes have no keys.
std::unique_ptr<http::Service> make_service(AdminDependencies dependencies);

}  // namespace sojourn::admin
