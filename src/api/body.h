// Reads the JSON body of PUT and POST.
#pragma once

#include <string_view>

#include "base/error.h"
#include "domain/lifecycle.h"

namespace sojourn::api {

// "visitId String No Visit ID, globalVisitId String No Global Visit ID": the members the published
// API knows; agentId and customerId too, which answers show and not every client can put into a
// header. Each is a string of up to 256 bytes without control characters, trimmed, or null; null
// and
// "" mean absent. `attributes`, ours, is an object, a merge patch (RFC 7396), or null, which means
// absent. Unknown members are ignored.
//
// One JSON object (RFC 8259), nested at most 32 deep. Anything else is invalid_body with the member
// or the byte offset: broken JSON, bad UTF-8, a member given twice at any depth (section 4 leaves
// that open; here it is refused), a wrong type, anything after the object.
Result<domain::Update> parse_body(std::string_view body);

}  // namespace sojourn::api
