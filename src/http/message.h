// A request and its answer, as the services of this floor see them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/body_stream.h"
#include "http/ip_address.h"

namespace sojourn::http {

enum class Method { get, head, put, post, delete_, options, other };

std::string_view name_of(Method method);  // "GET", ...; "OTHER" for Method::other

enum class Scheme { http, https };  // https: the client came over TLS, to this process itself

struct Field {
  std::string_view name;   // as sent; compare with equals_ignoring_case
  std::string_view value;  // without the spaces around it; any bytes but controls
};

// One request, whole: the body has arrived. All views point into buffers of the connection and are
// valid until the service's Task is done.
struct Request {
  Method method = Method::other;
  Scheme scheme = Scheme::http;
  // Who sent it: the peer, or whom trusted proxies serve (http.trusted_proxies).
  IpAddress client;
  std::string_view
      path;  // as sent, percent-encoded, without the query; starts with '/', or see target.h
  std::string_view query;           // as sent, without the '?'; empty when there is none
  std::string_view path_parameter;  // set by Router: what stood for {..} in the route, as sent
  // Set by Router: the pattern of the route, without its base path, such as
  // "/sessions/{sessionId}", which outlives the request; and its number, from 1, in the
  // router's list. Empty and 0: there is no such route.
  std::string_view route;
  size_t route_number = 0;
  std::span<const Field> fields;  // in the order sent
  std::string_view body;          // decoded from chunks; empty when there is none
  // The name of who asks, set by the service that found it out; empty when nobody did. Its own text
  // and no view, so that whoever logs the request at its end finds it whatever was reloaded since.
  std::string caller;
};

// The answer to one request. Starts as 200 with no body. The connection adds Date, the framing,
// Cache-Control: no-store, X-Content-Type-Options: nosniff, and Connection where it must be said.
struct Response {
  int status = 200;
  std::string_view content_type =
      "application/json";  // of static storage; used when there is a body
  std::string body;
  std::string extra_fields;  // further header lines, each ended by CRLF; see add_field
  bool close = false;        // close the connection after this answer
  // Why the request was refused, set by whoever renders the error: for those who count them.
  std::optional<ErrorKind> error;

  // When set, the body: it is sent in place of `body` as it is made, in chunks (HTTP/1.0: until the
  // connection closes). The connection closes after it, and requests behind this one are not
  // answered. Not asked for anything when the answer has no body (HEAD, 204, 304).
  std::unique_ptr<BodyStream> stream;

  // `value` must hold no control characters: whoever passes on what a client sent checks it first.
  void add_field(std::string_view name, std::string_view value) {
    extra_fields.append(name).append(": ").append(value).append("\r\n");
  }

  // Empty again, keeping the memory for the next request of the connection.
  void reset() {
    status = 200;
    content_type = "application/json";
    body.clear();
    extra_fields.clear();
    close = false;
    error.reset();
    stream.reset();
  }
};

}  // namespace sojourn::http
