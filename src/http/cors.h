// Cross-origin resource sharing: lets pages of other origins call the API from browsers (the Fetch
// standard, "CORS protocol").
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "http/service.h"

namespace sojourn::http {

// Options cors.*.
struct CorsOptions {
  // Whose pages may call, as browsers write it in Origin; "*" alone means everyone. Empty: nobody's
  // pages of other origins, which is what browsers do without being told.
  std::vector<std::string> allowed_origins;
  // Request headers that their pages may send beside the API's own, which they always may; "*": any
  // but Authorization, which is one of the API's own.
  std::vector<std::string> allowed_headers = {"X-Requested-With", "Cache-Control", "traceparent",
                                              "tracestate", "baggage"};

  bool allows(std::string_view origin) const;
  bool allows_every_origin() const {
    return allowed_origins.size() == 1 && allowed_origins.front() == "*";
  }
};

// Whether a browser would ever write `text` in Origin: SCHEME://HOST[:PORT] in lower case, without
// a path and without the scheme's usual port. The error says what would be right.
std::expected<void, std::string> check_origin(std::string_view text);

// Whether `text` is the name of a header field (RFC 9110 5.1).
std::expected<void, std::string> check_header_name(std::string_view text);

// A Service that lets pages of allowed origins read the answers of another, errors included, and
// answers their browsers' preflights itself, before anyone is asked for a key. One loop's thread.
//
// Cookies and the like are never allowed along (no Access-Control-Allow-Credentials): the API has
// none. A page of another origin gets the same answers as any client, without the fields that would
// let it read them; only its preflight is refused, in words, so that a developer sees why. Refusals
// of what was no whole request (bad framing, too many bytes) tell no origin, so they carry the
// fields only when every origin is allowed.
class Cors final : public Service {
 public:
  Cors(Service& inner, CorsOptions options) : inner_(inner) { use(std::move(options)); }

  // From the next request on.
  void use(CorsOptions options);

  Task<void> handle(Request& request, Response& response) override {
    if (options_.allowed_origins.empty()) return inner_.handle(request, response);
    return handle_cross_origin(request, response);
  }
  void refuse(const Error& error, Response& response) override;

 private:
  Task<void> handle_cross_origin(Request& request, Response& response);
  void preflight(std::string_view origin, Response& response);
  void add_allowed(std::string_view origin, Response& response) const;

  Service& inner_;
  CorsOptions options_;
  std::string allow_headers_;  // of a preflight's answer
};

}  // namespace sojourn::http
