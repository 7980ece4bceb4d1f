#include "http/router.h"

#include <algorithm>
#include <span>
#include <stdexcept>

#include "base/text.h"

namespace sojourn::http {
namespace {

constexpr size_t kMaxSegments = 16;

// Cuts "/a/b" into "a" and "b"; "/" is one empty segment. Returns how many; more than fit: 0.
size_t split(std::string_view path, std::span<std::string_view> segments) {
  if (!path.starts_with('/')) return 0;
  size_t count = 0;
  while (!path.empty()) {
    if (count == segments.size()) return 0;
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    segments[count++] = path.substr(0, end);
    path.remove_prefix(end);
  }
  return count;
}

// True when `segment`, percent-decoded, is `text`.
bool decodes_to(std::string_view segment, std::string_view text) {
  if (segment.size() < text.size()) return false;
  for (const char expected : text) {
    if (segment.empty()) return false;
    char c = segment.front();
    size_t taken = 1;
    if (c == '%') {
      if (segment.size() < 3) return false;
      const int high = hex_digit(segment[1]);
      const int low = hex_digit(segment[2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      taken = 3;
    }
    if (c != expected) return false;
    segment.remove_prefix(taken);
  }
  return segment.empty();
}

bool is_text(std::string_view segment, std::string_view text) {
  return segment.contains('%') ? decodes_to(segment, text) : segment == text;
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.starts_with('{') && segment.ends_with('}');
}

}  // namespace

Router::Router(std::vector<std::string> base_paths, std::vector<Route> routes,
               std::function<void(const Error&, Response&)> errors)
    : routes_(std::move(routes)), errors_(std::move(errors)) {
  for (const std::string& base : base_paths) {
    for (const Route& route : routes_) {
      auto& place = path_of(base, route.pattern).routes[static_cast<size_t>(route.method)];
      if (place != nullptr) {
        throw std::logic_error("two routes: " + std::string(name_of(route.method)) + " " +
                               route.pattern);
      }
      place = &route;
    }
  }
  // HEAD is GET without the body (RFC 9110 9.3.2).
  for (Path& path : paths_) {
    auto& head = path.routes[static_cast<size_t>(Method::head)];
    if (head == nullptr) head = path.routes[static_cast<size_t>(Method::get)];
  }
  // Exact text first; of two parameters, the one that stands later. Two paths whose parameter
  // stands at the same place never fit the same request.
  std::ranges::sort(paths_, std::greater(), &Path::parameter);
}

Router::Path& Router::path_of(const std::string& base, const std::string& pattern) {
  const std::string whole = (base == "/" ? "" : base) + pattern;
  std::array<std::string_view, kMaxSegments> parts;
  const size_t count = split(whole, parts);
  if (count == 0) throw std::logic_error("not a route: " + whole);

  Path path;
  for (size_t i = 0; i < count; ++i) {
    if (is_parameter(parts[i])) {
      if (path.parameter != kNone) throw std::logic_error("two parameters: " + whole);
      path.parameter = i;
      path.segments.emplace_back();  // its name is for readers only
    } else {
      path.segments.emplace_back(parts[i]);
    }
  }
  const auto same = std::ranges::find_if(paths_, [&](const Path& other) {
    return other.segments == path.segments && other.parameter == path.parameter;
  });
  return same != paths_.end() ? *same : paths_.emplace_back(std::move(path));
}

Task<void> Router::handle(Request& request, Response& response) {
  if (!request.path.starts_with('/')) return answer_for_server(request, response);
  std::array<std::string_view, kMaxSegments> segments;
  const size_t count = split(request.path, segments);
  Methods allowed{};
  bool found = false;
  for (const Path& path : paths_) {
    if (path.segments.size() != count) continue;
    bool matches = true;
    for (size_t i = 0; matches && i < count; ++i) {
      matches = i == path.parameter ? !segments[i].empty() : is_text(segments[i], path.segments[i]);
    }
    if (!matches) continue;
    if (const Route* route = path.routes[static_cast<size_t>(request.method)]) {
      request.route = route->pattern;
      request.route_number = static_cast<size_t>(route - routes_.data()) + 1;
      if (path.parameter != kNone) request.path_parameter = segments[path.parameter];
      return route->handler(request, response);
    }
    found = true;
    add_methods(path, allowed);
  }

  if (!found) {
    errors_({ErrorKind::route_not_found, "There is nothing at this path; check the URL."},
            response);
    return Task<void>::done();
  }
  const std::string names = listed(allowed);
  errors_({ErrorKind::method_not_allowed, "This path allows only " + names + "."}, response);
  response.add_field("Allow", names);
  return Task<void>::done();
}

// "If the request target is an asterisk ("*"), the OPTIONS request applies to the server in
// general" (RFC 9110 9.3.7). CONNECT wants a proxy, which this is not; what its client sends next
// may be no HTTP any more, so the connection ends.
Task<void> Router::answer_for_server(const Request& request, Response& response) {
  Methods allowed{};
  for (const Path& path : paths_) add_methods(path, allowed);
  allowed[static_cast<size_t>(Method::options)] = true;
  const std::string names = listed(allowed);
  if (request.method == Method::options) {
    response.status = 204;
  } else {
    errors_({ErrorKind::method_not_allowed,
             "This server is not a proxy; send a path, with one of " + names + "."},
            response);
    response.close = true;
  }
  response.add_field("Allow", names);
  return Task<void>::done();
}

void Router::add_methods(const Path& path, Methods& to) {
  for (size_t i = 0; i < kMethods; ++i) to[i] = to[i] || path.routes[i] != nullptr;
}

// As the field Allow has them.
std::string Router::listed(const Methods& methods) {
  std::string names;
  for (size_t i = 0; i < kMethods; ++i) {
    if (!methods[i]) continue;
    if (!names.empty()) names.append(", ");
    names.append(name_of(static_cast<Method>(i)));
  }
  return names;
}

void Router::refuse(const Error& error, Response& response) { errors_(error, response); }

}  // namespace sojourn::http
