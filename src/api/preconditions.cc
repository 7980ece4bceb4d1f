#include "preconditions.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"
#include "http/fields.h"

namespace sojourn::api {
namespace {

constexpr std::string_view kAny = "*";

// Adds the tags of one field; false when it is no list of tags (RFC 9110 8.8.3).
bool take_entity_tags(domain::EntityTags& tags, std::string_view list) {
  if (list == kAny) {
    tags.any = true;
    return true;
  }
  bool found = false;
  while (!list.empty()) {
    if (list.starts_with(',')) {  // empty elements are ignored, RFC 9110 5.6.1.2
      list = trimmed(list.substr(1));
      continue;
    }
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    const size_t end = list.starts_with('"') ? list.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    const std::string_view tag = list.substr(1, end - 1);
    uint64_t version = 0;
    const auto [stop, ec] = std::from_chars(tag.data(), tag.data() + tag.size(), version);
    const bool ours = ec == std::errc() && stop == tag.data() + tag.size() && !tag.starts_with('0');
    if (ours) (weak ? tags.weak : tags.strong).push_back(version);
    found = true;
    list = trimmed(list.substr(end + 1));
    if (!list.empty() && !list.starts_with(',')) return false;
  }
  return found;
}

// Into `into`, when the field is there.
Result<void> read_entity_tags(std::optional<domain::EntityTags>& into, const http::Request& request,
                              std::string_view name) {
  for (const std::string_view value : http::values_of(request.fields, name)) {
    const bool joins = into.has_value();
    if (!into) into.emplace();
    const bool any_among_others = joins && (into->any || value == kAny);
    if (any_among_others || !take_entity_tags(*into, value)) {
      return failure(
          ErrorKind::invalid_header,
          fmt::format("{} must be \"*\" or entity tags in quotes, as an ETag was given.", name));
    }
  }
  return {};
}

}  // namespace

Result<domain::Preconditions> read_preconditions(const http::Request& request) {
  domain::Preconditions found;
  auto read = read_entity_tags(found.if_match, request, "If-Match");
  if (read) read = read_entity_tags(found.if_none_match, request, "If-None-Match");
  if (!read) return std::unexpected(std::move(read.error()));
  return found;
}

Result<void> refuse_preconditions(const http::Request& request) {
  for (const std::string_view name : {"If-Match", "If-None-Match"}) {
    if (http::values_of(request.fields, name).empty()) continue;
    return failure(ErrorKind::invalid_header,
                   fmt::format("{} is for calls of one session; leave it out here.", name));
  }
  return {};
}

}  // namespace sojourn::api
