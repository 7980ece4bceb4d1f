// The caller's own data on a session: a JSON object, kept as text.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace sojourn::domain {

// Serialised, after a merge. Beyond it a change is refused with body_too_large.
inline constexpr size_t kMaxAttributesBytes = 8 * 1024;

// RFC 7396 (JSON Merge Patch): the members of `patch` replace those of `current`, objects are
// merged member by member, null removes. Both are JSON objects as text (an empty text means {}),
// valid already; the result is one without white space, members in the order of their names,
// numbers exactly as they were written. An empty result means {}.
//
// Only members named in `patch` change, so patches of different members never disturb each other.
// body_too_large when the result is longer than kMaxAttributesBytes.
Result<std::string> merged_attributes(std::string_view current, std::string_view patch);

}  // namespace sojourn::domain
