#include "routes.h"

namespace sojourn::api {

std::vector<http::Route> routes(Api& api) {
  using http::Method;
  const auto to = [&api](Task<void> (*handler)(Api&, http::Request&, http::Response&)) {
    return [&api, handler](http::Request& request, http::Response& response) {
      return handler(api, request, response);
    };
  };
  return {
      {Method::put, "/sessions/new", to(create_session)},
      {Method::get, "/sessions/{sessionId}", to(retrieve_session)},
      {Method::head, "/sessions/{sessionId}", to(retrieve_session)},
      {Method::post, "/sessions/{sessionId}", to(associate_session)},
      {Method::delete_, "/sessions/{sessionId}", to(end_session)},
      {Method::get, "/sessions", to(list_sessions)},
      {Method::delete_, "/sessions", to(end_sessions)},
      {Method::get, "/events", to(list_events)},
  };
}

}  // namespace sojourn::api
