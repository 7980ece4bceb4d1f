#include "http/cors.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "http/fields.h"
#include "token.h"

namespace sojourn::http {
namespace {

constexpr std::string_view kAllowMethods = "GET, HEAD, PUT, POST, DELETE";
// Underscores are allowed in field names (RFC 9110 5.1), whatever proxies make of them.
constexpr std::string_view kOwnHeaders =
    "Authorization, Content-Type, gkc_agentId, gkc_customerId, gkc-agentId, gkc-customerId, "
    "If-Match, If-None-Match, Idempotency-Key, Last-Event-ID";
// What a page may read beside the safelisted fields.
constexpr std::string_view kExposeHeaders = "ETag, Retry-After, WWW-Authenticate";
// Seconds for which a browser may remember a preflight; Chromium's most.
constexpr std::string_view kMaxAge = "7200";

// Empty when it is not sent, or more than once, which no browser does.
std::string_view value_of(const Request& request, std::string_view name) {
  const auto value = only_value_of(request.fields, name);
  return value ? value->value_or("") : std::string_view();
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
  return error == std::errc() && end == text.end() && port >= 1 && port <= 65'535 &&
         text.front() != '0';
}

// A name, an IPv4 address, or an IPv6 address in brackets.
bool is_host(std::string_view text) {
  if (text.starts_with('[')) {
    return text.size() > 2 && text.ends_with(']') &&
           std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
             return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
           });
  }
  return !text.empty() && std::ranges::all_of(text, is_host_character);
}

}  // namespace

bool CorsOptions::allows(std::string_view origin) const {
  if (allows_every_origin()) return true;
  return std::ranges::find(allowed_origins, origin) != allowed_origins.end();
}

std::expected<void, std::string> check_origin(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return std::unexpected("\"" + std::string(text) + "\" " + std::string(what));
  };
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || scheme_end == 0) {
    return wrong("is no origin; write it as browsers do, such as \"https://shop.example\"");
  }
  const std::string_view scheme = text.substr(0, scheme_end);
  const std::string_view authority = text.substr(scheme_end + 3);
  if (std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return wrong("must be in lower case, as browsers write it");
  }
  if (authority.find('/') != std::string_view::npos) {
    return wrong("must end after the host and port: an origin has no path, not even \"/\"");
  }
  const size_t host_end = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  const std::string_view host = authority.substr(0, host_end);
  if (!std::ranges::all_of(scheme, [](char c) { return is_host_character(c) || c == '+'; }) ||
      !is_host(host)) {
    return wrong("is no origin; write it as browsers do, such as \"https://shop.example\"");
  }
  if (host_end == std::string_view::npos) return {};
  const std::string_view port = authority.substr(host_end + 1);
  if (port.empty() || !is_port(port)) return wrong("has no port from 1 to 65535 after its ':'");
  if ((scheme == "https" && port == "443") || (scheme == "http" && port == "80")) {
    return wrong("names the usual port of its scheme, which browsers leave away: leave it away");
  }
  return {};
}

std::expected<void, std::string> check_header_name(std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_token_byte)) return {};
  return std::unexpected("\"" + std::string(text) +
                         "\" is not a header name; write it without a colon, such as "
                         "\"X-Requested-With\"");
}

void Cors::use(CorsOptions options) {
  options_ = std::move(options);
  allow_headers_ = kOwnHeaders;
  for (const std::string& name : options_.allowed_headers) allow_headers_.append(", ").append(name);
}

Task<void> Cors::handle_cross_origin(Request& request, Response& response) {
  const std::string_view origin = value_of(request, "Origin");
  // Two origins may get different answers at one address (RFC 9110 12.5.5).
  if (!options_.allows_every_origin()) response.add_field("Vary", "Origin");
  if (origin.empty()) return inner_.handle(request, response);
  if (request.method == Method::options &&
      !value_of(request, "Access-Control-Request-Method").empty()) {
    preflight(origin, response);
    return Task<void>::done();
  }
  if (options_.allows(origin)) {
    add_allowed(origin, response);
    response.add_field("Access-Control-Expose-Headers", kExposeHeaders);
  }
  return inner_.handle(request, response);
}

void Cors::preflight(std::string_view origin, Response& response) {
  if (!options_.allows(origin)) {
    inner_.refuse({ErrorKind::forbidden,
                   "Pages of this origin may not call; the operator adds it to "
                   "cors.allowed_origins."},
                  response);
    return;
  }
  response.status = 204;
  add_allowed(origin, response);
  response.add_field("Access-Control-Allow-Methods", kAllowMethods);
  response.add_field("Access-Control-Allow-Headers", allow_headers_);
  response.add_field("Access-Control-Max-Age", kMaxAge);
}

// `origin` is allowed, so it is one of ours or, with "*", not repeated.
void Cors::add_allowed(std::string_view origin, Response& response) const {
  response.add_field("Access-Control-Allow-Origin",
                     options_.allows_every_origin() ? std::string_view("*") : origin);
}

void Cors::refuse(const Error& error, Response& response) {
  if (options_.allows_every_origin()) add_allowed({}, response);
  inner_.refuse(error, response);
}

}  // namespace sojourn::http
