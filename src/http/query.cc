#include "http/query.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "base/text.h"

namespace sojourn::http {
namespace {

// Both as sent.
struct Pair {
  std::string_view name;
  std::string_view value;

  bool is_named(std::string_view text) const {
    return name.find_first_of("%+") == std::string_view::npos ? name == text
                                                              : form_decoded(name) == text;
  }
};

// Takes the first pair off `query`. Empty pairs are skipped; one without a name and a value: there
// are no more.
Pair take_pair(std::string_view& query) {
  std::string_view text;
  while (text.empty() && !query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    text = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  const size_t equals = std::min(text.find('='), text.size());
  return {.name = text.substr(0, equals), .value = text.substr(std::min(equals + 1, text.size()))};
}

std::string listed(std::span<const std::string_view> names) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " and " : ", ";
    list += names[i];
  }
  return list;
}

std::unexpected<Error> unknown(std::string_view name, std::span<const std::string_view> known) {
  constexpr size_t kMostShown = 64;
  Nearest nearest(name);
  for (const std::string_view one : known) nearest.consider(one);
  return failure(
      ErrorKind::invalid_parameter,
      fmt::format("This call has no parameter \"{}{}\"; {}.", name.substr(0, kMostShown),
                  name.size() > kMostShown ? "..." : "",
                  nearest.best().empty() ? fmt::format("it has {}", listed(known))
                                         : fmt::format("{} was probably meant", nearest.best())));
}

}  // namespace

Result<std::optional<std::string>> parameter(std::string_view query, std::string_view name) {
  std::optional<std::string_view> sent;
  while (!query.empty()) {
    const Pair pair = take_pair(query);
    if (!pair.is_named(name)) continue;
    if (sent) {
      return failure(ErrorKind::invalid_parameter,
                     fmt::format("{} is given twice; give it once.", name));
    }
    sent = pair.value;
  }
  if (!sent) return std::nullopt;
  auto text = form_decoded(*sent);
  if (!text) {
    return failure(
        ErrorKind::invalid_parameter,
        fmt::format("{} has a '%' that is not followed by two hexadecimal digits.", name));
  }
  return text;
}

Result<void> check_parameters(std::string_view query, std::span<const std::string_view> known) {
  while (!query.empty()) {
    const Pair pair = take_pair(query);
    if (pair.name.empty() && pair.value.empty()) continue;
    const bool is_known =
        std::ranges::any_of(known, [&](std::string_view name) { return pair.is_named(name); });
    if (!is_known) return unknown(pair.name, known);
  }
  return {};
}

}  // namespace sojourn::http
