// Reads If-Match and If-None-Match (RFC 9110 13.1).
#pragma once

#include "base/error.h"
#include "domain/precondition.h"
#include "http/message.h"

namespace sojourn::api {

// Each is "*" or a list of entity tags (RFC 9110 8.8.3), in one field or several. Tags that no
// session ever has are left out: they match nothing. invalid_header when it is no such list.
Result<domain::Preconditions> read_preconditions(const http::Request& request);

// For routes of many sessions, whose answers have no entity tag: invalid_header when either is
// sent, because a condition that is overlooked would make a call unconditional.
Result<void> refuse_preconditions(const http::Request& request);

}  // namespace sojourn::api
