#include "http/fields.h"

#include <fmt/format.h>

#include <algorithm>

namespace sojourn::http {

Result<std::optional<std::string_view>> only_value_of(std::span<const Field> fields,
                                                      std::string_view name) {
  std::optional<std::string_view> found;
  for (const std::string_view value : values_of(fields, name)) {
    if (found) {
      return failure(ErrorKind::invalid_header,
                     fmt::format("{} is sent more than once; send it once.", name));
    }
    found = value;
  }
  return found;
}

std::string_view take_element(std::string_view& list, char separator) {
  while (!list.empty()) {
    bool quoted = false;
    size_t end = 0;
    for (; end < list.size() && (quoted || list[end] != separator); ++end) {
      if (quoted && list[end] == '\\') {
        ++end;
      } else if (list[end] == '"') {
        quoted = !quoted;
      }
    }
    end = std::min(end, list.size());
    const std::string_view element = trimmed(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (!element.empty()) return element;
  }
  return {};
}

bool list_has(std::string_view list, std::string_view token) {
  for (std::string_view element; !(element = take_element(list)).empty();) {
    if (equals_ignoring_case(trimmed(element.substr(0, element.find(';'))), token)) return true;
  }
  return false;
}

}  // namespace sojourn::http
