// The admin listener's service: is the process alive, is it ready, what does it answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/guard.h"
#include "http/service.h"

namespace sojourn::admin {

// Why requests cannot be served now.
struct Unreadiness {
  std::string_view status;       // a word such as "draining"
  std::string_view reason = {};  // part of a sentence; may be empty
};

struct AdminDependencies {
  // None while requests can be served. Called on the admin's loop for every /readyz.
  std::function<std::optional<Unreadiness>()> unreadiness;
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
