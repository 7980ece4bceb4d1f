// JSON in one form, for telling whether two texts mean the same.
#pragma once

#include <string>
#include <string_view>

namespace sojourn::domain {

// `json_text` with the members of every object sorted by name, at all depths, and without white
// space. Strings are written with as few escapes as possible; numbers stay as sent, so 1.0 and 1
// differ. Text that is no JSON value, or nested deeper than 64, comes back as it is.
std::string canonical_json(std::string_view json_text);

}  // namespace sojourn::domain
