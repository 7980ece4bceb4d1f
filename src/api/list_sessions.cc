// GET /sessions: a page of live sessions, newest first.
#include "api/error_table.h"
#include "base/text.h"
#include "request_reader.h"
#include "routes.h"
#include "session_info.h"

namespace sojourn::api {
namespace {

constexpr size_t kMostSessions = 200;
constexpr size_t kUsualSessions = 50;

}  // namespace

Task<void> list_sessions(Api& api, http::Request& request, http::Response& response) {
  auto tenant = read_tenant(request, *api.context.tenants);
  if (!tenant) co_return write_error(tenant.error(), response);
  auto where = read_attribute(request);
  if (!where) co_return write_error(where.error(), response);
  const auto cursor = read_id_parameter(request, "cursor");
  if (!cursor) co_return write_error(cursor.error(), response);
  const auto limit = read_limit(request, kMostSessions, kUsualSessions);
  if (!limit) co_return write_error(limit.error(), response);

  sessions::ListRequest asked{*std::move(tenant), *std::move(where), *cursor, *limit};
  const auto listing = co_await sessions::list(api.context, std::move(asked));
  if (!listing) co_return write_error(listing.error(), response);

  std::string& out = response.body;
  out.append(R"({"statusCode":200,"response":{"sessions":[)");
  for (const domain::Session& session : listing->sessions) {
    if (out.back() != '[') out.push_back(',');
    append_session_info(out, session, false);
  }
  out.append(R"(],"nextCursor":)");
  if (listing->below) {
    append_json_string(out, listing->below->text());
  } else {
    out.append("null");
  }
  out.append("}}");
}

}  // namespace sojourn::api
