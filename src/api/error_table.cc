#include "api/error_table.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <string>

#include "base/text.h"

namespace sojourn::api {

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_request:
    case ErrorKind::tenant_id_required:
    case ErrorKind::invalid_parameter:
    case ErrorKind::invalid_header:
    case ErrorKind::invalid_body:
      return 400;
    case ErrorKind::unauthenticated:
      return 401;
    case ErrorKind::forbidden:
      return 403;
    case ErrorKind::session_not_found:
    case ErrorKind::tenant_not_found:
    case ErrorKind::route_not_found:
      return 404;
    case ErrorKind::method_not_allowed:
      return 405;
    case ErrorKind::request_timeout:
      return 408;
    case ErrorKind::customer_conflict:
      return 409;
    case ErrorKind::version_mismatch:
      return 412;
    case ErrorKind::body_too_large:
      return 413;
    case ErrorKind::unsupported_media_type:
      return 415;
    case ErrorKind::idempotency_key_reused:
      return 422;
    case ErrorKind::rate_limited:
    case ErrorKind::quota_exceeded:
      return 429;
    case ErrorKind::headers_too_large:
      return 431;
    case ErrorKind::store_unavailable:
    case ErrorKind::store_full:
    case ErrorKind::overloaded:
      return 503;
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

void write_error(const Error& error, http::Response& response) {
  response.status = status_of(error.kind);
  response.error = error.kind;
  fmt::format_to(std::back_inserter(response.body),
                 R"({{"statusCode":{},"code":"{}","description":)", response.status,
                 code_of(error.kind));
  append_json_string(response.body, error.detail);
  response.body.push_back('}');
  if (error.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*error.retry_after);
    response.add_field("Retry-After", std::to_string(seconds.count()));
    return;
  }
  // One second: a batch of commits takes milliseconds, and an operator's repair takes longer than
  // any number we could name.
  if (response.status == 503) response.add_field("Retry-After", "1");
}

}  // namespace sojourn::api
