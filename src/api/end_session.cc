// DELETE /sessions/{sessionId}
#include "api/error_table.h"
#include "preconditions.h"
#include "request_reader.h"
#include "routes.h"
#include "session_info.h"

namespace sojourn::api {

Task<void> end_session(Api& api, http::Request& request, http::Response& response) {
  auto tenant = read_tenant(request, *api.context.tenants);
  if (!tenant) co_return write_error(tenant.error(), response);
  auto conditions = read_preconditions(request);
  if (!conditions) co_return write_error(conditions.error(), response);

  sessions::EndRequest asked{*std::move(tenant), read_session_id(request), *std::move(conditions)};
  const auto answer = co_await sessions::end(api.context, std::move(asked));
  write_answer(api.options, answer, response);
}

}  // namespace sojourn::api
