// If-Match, as the use cases that change a session apply it.
#pragma once

#include <optional>

#include "base/error.h"
#include "domain/precondition.h"
#include "domain/session.h"

namespace sojourn::sessions {

inline std::unexpected<Error> version_mismatch() {
  return failure(ErrorKind::version_mismatch,
                 "The session is not of the version that If-Match names, or is over; read it again "
                 "and decide anew.");
}

// RFC 9110 13.1.1: whether the request may go on. `session` absent: there is no live one.
inline bool holds(const std::optional<domain::EntityTags>& if_match,
                  const domain::Session* session) {
  return !if_match || (session && if_match->contain(session->version));
}

}  // namespace sojourn::sessions
