// The one error value of the server: a kind for each thing a caller treats differently.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sojourn {

// Each kind is one code of the wire; api/error_table.cc maps it to its HTTP status.
enum class ErrorKind {
  // The request is not one we can act on; sending it again unchanged cannot help.
  bad_request,  // not HTTP, or ambiguous framing: the connection is closed after the answer
  tenant_id_required,
  invalid_parameter,
  invalid_header,
  invalid_body,
  body_too_large,
  headers_too_large,
  unsupported_media_type,
  route_not_found,
  method_not_allowed,
  unauthenticated,  // no API key, or none that is known
  forbidden,        // the API key does not reach so far
  request_timeout,  // the request did not arrive in time: the connection is closed
  // The rules say no.
  session_not_found,
  tenant_not_found,  // only with tenants.closed
  customer_conflict,
  version_mismatch,
  idempotency_key_reused,  // with another request than it was first used for
  // Not now: the same request may work later.
  rate_limited,       // too many of them; Error::retry_after says when there may be more
  quota_exceeded,     // the tenant has as many live sessions as it may; Error::retry_after as above
  store_unavailable,  // the store cannot read or cannot acknowledge writes
  store_full,         // no room for this write; what is stored stays readable
  overloaded,         // a limit of this process is reached
  // Our fault.
  internal,
};

// How many kinds there are; internal stays the last.
inline constexpr size_t kErrorKinds = static_cast<size_t>(ErrorKind::internal) + 1;

// The code as programs see it, for example "SESSION_NOT_FOUND".
std::string_view code_of(ErrorKind kind);

// `detail` is one sentence for people that says what to do; it is shown to the caller, so it holds
// no internals and nothing of another session.
struct Error {
  ErrorKind kind;
  std::string detail;
  // When sending the request again may help; absent: the kind says.
  std::optional<Duration> retry_after = std::nullopt;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(ErrorKind kind, std::string detail) {
  return std::unexpected(Error{kind, std::move(detail)});
}

}  // namespace sojourn
