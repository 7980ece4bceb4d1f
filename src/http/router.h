// Finds the handler of a request by its method and path.
#pragma once

#include <array>
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
// No route of that path: ROUTE_NOT_FOUND. Routes, but none with that method: METHOD_NOT_ALLOWED
// with an Allow field that names every method the path has (RFC 9110 15.5.6). HEAD goes to the line
// of HEAD, or else to that of GET, whose handler tells them apart by the request's method. A
// segment of plain text is compared after percent-decoding (RFC 3986 6.2.2.2). Matching allocates
// nothing. OPTIONS * is answered 204 with an Allow field for all paths; CONNECT is
// METHOD_NOT_ALLOWED with the same field, and the connection is closed.
class Router final : public Service {
 public:
  // Every route is mounted under each base path: "/" or "/prefix". `errors` renders what the router
  // itself refuses. At most 16 segments, base path included, and one {parameter} in a pattern; two
  // lines of the same method and pattern are a mistake (all three: std::logic_error).
  Router(std::vector<std::string> base_paths, std::vector<Route> routes,
         std::function<void(const Error&, Response&)> errors);

  Task<void> handle(Request& request, Response& response) override;
  void refuse(const Error& error, Response& response) override;

 private:
  static constexpr size_t kMethods = static_cast<size_t>(Method::other) + 1;
  static constexpr size_t kNone = static_cast<size_t>(-1);
  using Methods = std::array<bool, kMethods>;

  // One path with all its methods: a pattern below a base path, cut into segments.
  struct Path {
    std::vector<std::string> segments;
    size_t parameter = kNone;  // which segment is the parameter
    std::array<const Route*, kMethods> routes{};
  };

  Path& path_of(const std::string& base, const std::string& pattern);
  Task<void> answer_for_server(const Request& request, Response& response);
  static void add_methods(const Path& path, Methods& to);
  static std::string listed(const Methods& methods);

  std::vector<Route> routes_;
  std::vector<Path> paths_;  // in the order they are tried
  std::function<void(const Error&, Response&)> errors_;
};

}  // namespace sojourn::http
