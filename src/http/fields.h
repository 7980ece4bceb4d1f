// Looks up header fields by name, and takes list values apart.
#pragma once

#include <optional>
#include <ranges>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "http/message.h"

namespace sojourn::http {

// Field names have no case (RFC 9110 5.1).
inline bool is_named(const Field& field, std::string_view name) {
  return field.name.size() == name.size() && equals_ignoring_case(field.name, name);
}

// The values of all fields with this name, in the order sent. Several fields are one list, as if
// there were commas between them (RFC 9110 5.3). Views into `fields`.
inline auto values_of(std::span<const Field> fields, std::string_view name) {
  return fields | std::views::filter([name](const Field& field) { return is_named(field, name); }) |
         std::views::transform(&Field::value);
}

// The value of a field that is no list, so that it may be sent once. Absent: it is not there.
// invalid_header: it is sent more than once, even with equal values, since two readers could take
// different ones.
Result<std::optional<std::string_view>> only_value_of(std::span<const Field> fields,
                                                      std::string_view name);

// Takes the first element off `list` (RFC 9110 5.6.1), without the spaces around it; a separator in
// a quoted string is none. Empty elements are skipped. Empty: there are no more.
std::string_view take_element(std::string_view& list, char separator = ',');

// Whether a list of tokens has this one, whatever its case. Parameters behind a token are ignored.
bool list_has(std::string_view list, std::string_view token);

}  // namespace sojourn::http
