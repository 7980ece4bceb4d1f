// PUT /sessions/new
#include "api/error_table.h"
#include "client_key.h"
#include "domain/precondition.h"
#include "preconditions.h"
#include "request_reader.h"
#include "routes.h"
#include "session_info.h"

namespace sojourn::api {

Task<void> create_session(Api& api, http::Request& request, http::Response& response) {
  auto tenant = read_tenant(request, *api.context.tenants);
  if (!tenant) co_return write_error(tenant.error(), response);
  auto given = read_update(request);
  if (!given) co_return refuse_update(request, given.error(), response);
  auto key = read_idempotency_key(request);
  if (!key) co_return write_error(key.error(), response);

  const auto conditions = read_preconditions(request);
  if (!conditions) co_return write_error(conditions.error(), response);
  // There is never a session at /sessions/new: If-Match fails, and If-None-Match holds.
  if (const auto refusal = domain::refusal(*conditions, nullptr)) {
    co_return write_error(*refusal, response);
  }

  sessions::CreateRequest asked{*std::move(tenant), *std::move(given), *std::move(key),
                                request.caller, std::string(client_key(request))};
  const auto answer = co_await sessions::create(api.context, std::move(asked));
  write_answer(api.options, answer, response);
}

}  // namespace sojourn::api
