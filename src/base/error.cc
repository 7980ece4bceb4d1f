#include "base/error.h"

namespace sojourn {

std::string_view code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_request:
      return "BAD_REQUEST";
    case ErrorKind::tenant_id_required:
      return "TENANT_ID_REQUIRED";
    case ErrorKind::invalid_parameter:
      return "INVALID_PARAMETER";
    case ErrorKind::invalid_header:
      return "INVALID_HEADER";
    case ErrorKind::invalid_body:
      return "INVALID_BODY";
    case ErrorKind::body_too_large:
      return "BODY_TOO_LARGE";
    case ErrorKind::headers_too_large:
      return "HEADERS_TOO_LARGE";
    case ErrorKind::unsupported_media_type:
      return "UNSUPPORTED_MEDIA_TYPE";
    case ErrorKind::route_not_found:
      return "ROUTE_NOT_FOUND";
    case ErrorKind::method_not_allowed:
      return "METHOD_NOT_ALLOWED";
    case ErrorKind::unauthenticated:
      return "UNAUTHENTICATED";
    case ErrorKind::forbidden:
      return "FORBIDDEN";
    case ErrorKind::request_timeout:
      return "REQUEST_TIMEOUT";
    case ErrorKind::session_not_found:
      return "SESSION_NOT_FOUND";
    case ErrorKind::tenant_not_found:
      return "TENANT_NOT_FOUND";
    case ErrorKind::customer_conflict:
      return "CUSTOMER_CONFLICT";
    case ErrorKind::version_mismatch:
      return "VERSION_MISMATCH";
    case ErrorKind::idempotency_key_reused:
      return "IDEMPOTENCY_KEY_REUSED";
    case ErrorKind::rate_limited:
      return "RATE_LIMITED";
    case ErrorKind::quota_exceeded:
      return "QUOTA_EXCEEDED";
    case ErrorKind::store_unavailable:
      return "STORE_UNAVAILABLE";
    case ErrorKind::store_full:
      return "STORE_FULL";
    case ErrorKind::overloaded:
      return "OVERLOADED";
    case ErrorKind::internal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

}  // namespace sojourn
