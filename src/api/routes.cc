#include "routes.h"

#include <type_traits>

#include "gate.h"

namespace sojourn::api {

std::vector<http::Route> routes(Api& api) {
  using access::Scope, http::Method;
  // The gate first, then the handler; one whose answer depends on the caller's key is handed it.
  const auto to = [&api](auto* handler, Scope needed) {
    return [&api, handler, needed](http::Request& request, http::Response& response) {
      const Admission admission = admit(api, needed, request, response);
      if (!admission.admitted) return Task<void>::done();
      if constexpr (std::is_invocable_v<decltype(handler), Api&, http::Request&, http::Response&>) {
        return handler(api, request, response);
      } else {
        return handler(api, request, response, admission.key);
      }
    };
  };
  return {
      {Method::put, "/sessions/new", to(create_session, Scope::write)},
      {Method::get, "/sessions/{sessionId}", to(retrieve_session, Scope::read)},
      {Method::head, "/sessions/{sessionId}", to(retrieve_session, Scope::read)},
      {Method::post, "/sessions/{sessionId}", to(associate_session, Scope::write)},
      {Method::delete_, "/sessions/{sessionId}", to(end_session, Scope::end)},
      {Method::get, "/sessions", to(list_sessions, Scope::read)},
      {Method::delete_, "/sessions", to(end_sessions, Scope::end)},
      {Method::get, "/events", to(list_events, Scope::events)},
  };
}

}  // namespace sojourn::api
