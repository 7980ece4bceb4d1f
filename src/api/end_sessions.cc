// DELETE /sessions: ends all sessions of a customer or an agent.
#include <fmt/format.h>

#include "api/error_table.h"
#include "request_reader.h"
#include "routes.h"

namespace sojourn::api {

Task<void> end_sessions(Api& api, http::Request& request, http::Response& response) {
  using domain::IdentityAttribute;
  auto tenant = read_tenant(request, *api.context.tenants);
  if (!tenant) co_return write_error(tenant.error(), response);
  auto where = read_attribute(request);
  if (!where) co_return write_error(where.error(), response);
  if (!*where || ((*where)->attribute != IdentityAttribute::customer_id &&
                  (*where)->attribute != IdentityAttribute::agent_id)) {
    co_return write_error(
        {ErrorKind::invalid_parameter, "Say whose sessions are to end with customerId or agentId."},
        response);
  }
  const auto except = read_id_parameter(request, "except");
  if (!except) co_return write_error(except.error(), response);

  sessions::EndAllRequest asked{*std::move(tenant), **std::move(where), *except};
  const auto ended = co_await sessions::end_all(api.context, std::move(asked));
  if (!ended) co_return write_error(ended.error(), response);
  response.body = fmt::format(R"({{"statusCode":200,"response":{{"ended":{}}}}})", *ended);
}

}  // namespace sojourn::api
