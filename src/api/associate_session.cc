// POST /sessions/{sessionId}
#include "api/error_table.h"
#include "client_key.h"
#include "preconditions.h"
#include "request_reader.h"
#include "routes.h"
#include "session_info.h"

namespace sojourn::api {

Task<void> associate_session(Api& api, http::Request& request, http::Response& response) {
  auto tenant = read_tenant(request, *api.context.tenants);
  if (!tenant) co_return write_error(tenant.error(), response);
  auto given = read_update(request);
  if (!given) co_return refuse_update(request, given.error(), response);
  auto conditions = read_preconditions(request);
  if (!conditions) co_return write_error(conditions.error(), response);

  sessions::AssociateRequest asked{*std::move(tenant), read_session_id(request), *std::move(given),
                                   *std::move(conditions), std::string(client_key(request))};
  const auto answer = co_await sessions::associate(api.context, std::move(asked));
  write_answer(api.options, answer, response);
}

}  // namespace sojourn::api
