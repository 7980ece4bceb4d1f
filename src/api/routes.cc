#include "routes.h"

#include <type_traits>

#include "api/error_table.h"
#include "gate.h"
#include "http/query.h"
#include "preconditions.h"

namespace sojourn::api {
namespace {

// Of one session. Ignores query parameters that it does not know: old clients add some against
// caches, and none can make the call reach further. Its handler reads the preconditions.
struct OfOne {
  static Result<void> check(const http::Request&) { return {}; }
};

// Of many. Refuses query parameters other than these, because a misspelt filter must not widen the
// call, and preconditions.
struct OfMany {
  std::vector<std::string_view> parameters;

  Result<void> check(const http::Request& request) const {
    const auto checked = http::check_parameters(request.query, parameters);
    return checked ? refuse_preconditions(request) : checked;
  }
};

}  // namespace

std::vector<http::Route> routes(Api& api) {
  using access::Scope, http::Method;
  // The gate first, then the handler; one whose answer depends on the caller's key is handed it.
  const auto to = [&api](auto* handler, Scope needed, auto kind) {
    return [&api, handler, needed, kind](http::Request& request, http::Response& response) {
      const Admission admission = admit(api, needed, request, response);
      if (!admission.admitted) return Task<void>::done();
      if (const auto checked = kind.check(request); !checked) {
        write_error(checked.error(), response);
        return Task<void>::done();
      }
      if constexpr (std::is_invocable_v<decltype(handler), Api&, http::Request&, http::Response&>) {
        return handler(api, request, response);
      } else {
        return handler(api, request, response, admission.key);
      }
    };
  };
  const OfOne of_one;
  const OfMany listed{
      {"tenantId", "customerId", "agentId", "visitId", "globalVisitId", "limit", "cursor"}};
  const OfMany ended{{"tenantId", "customerId", "agentId", "except"}};
  const OfMany logged{{"tenantId", "after", "limit"}};
  return {
      {Method::put, "/sessions/new", to(create_session, Scope::write, of_one)},
      {Method::get, "/sessions/{sessionId}", to(retrieve_session, Scope::read, of_one)},
      {Method::head, "/sessions/{sessionId}", to(retrieve_session, Scope::read, of_one)},
      {Method::post, "/sessions/{sessionId}", to(associate_session, Scope::write, of_one)},
      {Method::delete_, "/sessions/{sessionId}", to(end_session, Scope::end, of_one)},
      {Method::get, "/sessions", to(list_sessions, Scope::read, listed)},
      {Method::delete_, "/sessions", to(end_sessions, Scope::end, ended)},
      {Method::get, "/events", to(list_events, Scope::events, logged)},
  };
}

}  // namespace sojourn::api
