// Reads the query of a request, which is form-encoded: "a=b&c=d+e" (the URL standard, 5.1:
// application/x-www-form-urlencoded). '+' is a space and "%2B" a plus, in names as in values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sojourn::http {

// The value of a parameter, decoded; "" for one without '='. Absent: it is not there. Given twice
// or badly encoded: invalid_parameter.
Result<std::optional<std::string>> parameter(std::string_view query, std::string_view name);

// invalid_parameter when the query has a parameter that is none of `known`; the description names
// the one that was probably meant. Allocates nothing when all are known.
Result<void> check_parameters(std::string_view query, std::span<const std::string_view> known);

}  // namespace sojourn::http
