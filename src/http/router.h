// Finds the handler of a request by its method and path.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/service.h"

namespace sojourn::http {

// One line of the list of routes. A pattern is segments of plain text, of which one may be a
// {parameter} that stands for any one non-empty segment: "/sessions/{sessionId}".
struct Route {
  Method method;
  std::string pattern;
  std::function<Task<void>(Request&, Response&)> handler;
};

// Tries exact text before parameters, so "/sessions/new" can stand beside "/sessions/{sessionId}";
// a method that "/sessions/new" has no line for falls through to "/sessions/{sessionId}".
// No route of that path: ROUTE_NOT_FOUND. Routes, but none with that method: METHOD_NOT_ALLOWED with
// an Allow field that names every method the path has (RFC 9110 15.5.6).
class Router final : public Service {
 public:
  // Every route is mounted under each base path: "/" or "/prefix". `errors` renders what the router
  // itself refuses.
  Router(std::vector<std::string> base_paths, std::vector<Route> routes,
         std::function<void(const Error&, Response&)> errors);

  Task<void> handle(Request& request, Response& response) override;
  void refuse(const Error& error, Response& response) override;

 private:
  std::vector<std::string> base_paths_;
  std::vector<Route> routes_;
  std::function<void(const Error&, Response&)> errors_;
};

}  // namespace sojourn::http
