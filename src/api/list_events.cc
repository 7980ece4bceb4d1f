// GET /events: a page of the event log, or, for who accepts text/event-stream, a stream of it.
#include "api/error_table.h"
#include "base/text.h"
#include "event_json.h"
#include "event_stream.h"
#include "http/accept.h"
#include "http/fields.h"
#include "http/query.h"
#include "request_reader.h"
#include "routes.h"

namespace sojourn::api {
namespace {

constexpr size_t kMostEvents = 500;
constexpr size_t kUsualEvents = 100;

// Who names the stream and wants it as much as a page gets it; who accepts anything gets a page.
bool wants_stream(const http::Request& request) {
  const auto stream = http::preference_for(request.fields, "text/event-stream");
  const auto page = http::preference_for(request.fields, "application/json");
  return stream.weight > page.weight ||
         (stream.by_name && stream.weight == page.weight && stream.weight > 0);
}

}  // namespace

Task<void> list_events(Api& api, http::Request& request, http::Response& response,
                       const access::ApiKey* key) {
  // The stream outlives this moment, and perhaps the key.
  const auto hash_of_key = key ? std::optional(key->sha256) : std::nullopt;
  auto tenant = read_tenant(request, *api.context.tenants);
  if (!tenant) co_return write_error(tenant.error(), response);
  auto after = http::parameter(request.query, "after");
  if (!after) co_return write_error(after.error(), response);
  const auto limit = read_limit(request, kMostEvents, kUsualEvents);
  if (!limit) co_return write_error(limit.error(), response);
  std::optional<std::string> cursor = *std::move(after);
  // A client that connects again says where it was.
  const auto last_id = http::only_value_of(request.fields, "Last-Event-ID");
  if (!last_id) co_return write_error(last_id.error(), response);
  if (wants_stream(request) && *last_id && !(*last_id)->empty()) cursor = **last_id;
  const std::optional<uint64_t> place = cursor ? parsed_cursor(*cursor) : std::nullopt;
  if (cursor && !place) {
    co_return write_error(
        {ErrorKind::invalid_parameter,
         "after (or Last-Event-ID) is no cursor that this server gave; send it as "
         "it was given, or leave it away to begin with the oldest event."},
        response);
  }
  sessions::ReadEventsRequest asked{*tenant, place, wants_stream(request) ? 1 : *limit};
  const auto page = co_await sessions::read_events(api.context, std::move(asked));
  if (!page) co_return write_error(page.error(), response);
  if (wants_stream(request)) {
    response.content_type = "text/event-stream";
    response.stream = std::make_unique<EventStream>(api, *std::move(tenant), place, hash_of_key);
    co_return;
  }
  if (page->gap) api.streams.gaps.add();

  std::string& out = response.body;
  out.append(R"({"statusCode":200,"response":{"events":[)");
  for (const domain::LoggedEvent& event : page->events) {
    if (out.back() != '[') out.push_back(',');
    append_cloud_event(out, event);
  }
  out.append(R"(],"nextCursor":)");
  append_cursor(out, page->next());
  if (page->gap) out.append(R"(,"gap":true)");
  out.append("}}");
}

}  // namespace sojourn::api
