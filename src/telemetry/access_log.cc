#include "telemetry/access_log.h"

#include <algorithm>
#include <string>

#include "domain/session_id.h"
#include "domain/tenant_id.h"
#include "http/query.h"
#include "telemetry/traceparent.h"

namespace sojourn::telemetry {
namespace {

// The tenant that the request names, when it names one and it could be one; else empty.
std::string tenant_of(const http::Request& request) {
  auto text = http::parameter(request.query, "tenantId");
  if (!text || !*text) return {};
  const auto tenant = domain::TenantId::parse(**std::move(text));
  return tenant ? tenant->text() : std::string();
}

// Masked; empty when the path holds no id of ours, which may be anything.
std::string session_of(const http::Request& request) {
  const auto id = domain::SessionId::parse(request.path_parameter);
  return id ? id->masked() : std::string();
}

}  // namespace

void AccessLog::write(const http::Exchange& exchange) {
  using std::chrono::microseconds;
  const http::Request& request = exchange.request;
  const http::Response& response = exchange.response;
  const auto trace = traceparent_of(request.fields).value_or(TraceParent{});
  const auto duration = std::chrono::floor<microseconds>(exchange.duration).count();
  log_.write(LogLevel::info, "http.access", "",
             {{"method", name_of(request.method)},
              {"route", request.route},
              {"status", static_cast<uint64_t>(std::max(response.status, 0))},
              {"error", response.error ? code_of(*response.error) : std::string_view()},
              {"duration_us", static_cast<uint64_t>(std::max<int64_t>(duration, 0))},
              {"bytes", exchange.bytes},
              {"scheme", request.scheme == http::Scheme::https ? "https" : "http"},
              {"tenant", tenant_of(request)},
              {"session", session_of(request)},
              {"client", request.client.text()},
              {"key", request.caller},
              {"trace_id", trace.trace_id},
              {"parent_id", trace.parent_id}});
}

}  // namespace sojourn::telemetry
