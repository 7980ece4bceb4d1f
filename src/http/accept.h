// Reads Accept: which media types a client wants, and how much (RFC 9110 12.5.1).
#pragma once

#include <span>
#include <string_view>

#include "http/message.h"

namespace sojourn::http {

struct Preference {
  int weight = 0;        // thousandths, 0 to 1000 (RFC 9110 12.4.2); 0: the client does not want it
  bool by_name = false;  // the type itself is named, not a range such as "text/*" or "*/*"
};

// What the Accept fields say of `type`, such as "text/event-stream": the most specific range that
// has it counts, of equally specific ones the heaviest. No Accept: any type is welcome. Parameters
// of a range but its weight are ignored, and so is a range that is malformed.
Preference preference_for(std::span<const Field> fields, std::string_view type);

}  // namespace sojourn::http
