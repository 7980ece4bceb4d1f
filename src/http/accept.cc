#include "http/accept.h"

#include <optional>

#include "http/fields.h"

namespace sojourn::http {
namespace {

// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = text[0] == '1' ? 1000 : 0;
  int place = 100;
  for (size_t i = 2; i < text.size(); ++i, place /= 10) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    weight += (text[i] - '0') * place;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

// The weight among the parameters of a range; 1000 when there is none.
std::optional<int> weight_of(std::string_view parameters) {
  for (std::string_view one; !(one = take_element(parameters, ';')).empty();) {
    if (one.size() >= 2 && (one[0] == 'q' || one[0] == 'Q') && one[1] == '=') {
      return parse_weight(one.substr(2));
    }
  }
  return 1000;
}

// How closely `range` describes `type`: 3 by name, 2 as "text/*", 1 as "*/*", 0 not at all.
int closeness(std::string_view range, std::string_view type) {
  if (equals_ignoring_case(range, type)) return 3;
  if (range == "*/*") return 1;
  const size_t slash = type.find('/');
  return range.size() == slash + 2 && range.ends_with("/*") &&
                 equals_ignoring_case(range.substr(0, slash), type.substr(0, slash))
             ? 2
             : 0;
}

}  // namespace

Preference preference_for(std::span<const Field> fields, std::string_view type) {
  bool any = false;
  int closest = 0;
  int weight = 0;
  for (std::string_view list : values_of(fields, "Accept")) {
    any = true;
    for (std::string_view element; !(element = take_element(list)).empty();) {
      const std::string_view range = take_element(element, ';');
      const int close = closeness(range, type);
      const auto given = weight_of(element);
      if (close == 0 || close < closest || !given) continue;
      weight = close > closest ? *given : std::max(weight, *given);
      closest = close;
    }
  }
  if (!any) return {.weight = 1000, .by_name = false};
  return {.weight = weight, .by_name = closest == 3};
}

}  // namespace sojourn::http
