#include "request_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "body.h"

namespace sojourn::api {
namespace {

// Calls `found` with each value of the parameter, as sent. False when `found` says stop.
template <class Found>
bool for_each_value(std::string_view query, std::string_view name, Found found) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const bool same =
        key.find('%') == std::string_view::npos ? key == name : percent_decoded(key) == name;
    if (!same) continue;
    if (!found(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1))) {
      return false;
    }
  }
  return true;
}

// "gkc_agentId" or "gkc-agentId" in any case: proxies such as nginx drop names with an underscore.
bool is_named(std::string_view name, std::string_view rest) {
  return name.size() == 4 + rest.size() && equals_ignoring_case(name.substr(0, 3), "gkc") &&
         (name[3] == '_' || name[3] == '-') && equals_ignoring_case(name.substr(4), rest);
}

Result<void> take_identity_field(std::string& into, std::string_view name,
                                 std::string_view sent_value) {
  const std::string_view value = trimmed(sent_value);
  if (value.empty() || value == into) return {};
  if (!into.empty()) {
    return failure(
        ErrorKind::invalid_header,
        fmt::format("The header {} is given twice with different values; give it once.", name));
  }
  if (value.size() > domain::Identity::kMaxBytes || !is_utf8(value) ||
      has_control_characters(value)) {
    return failure(ErrorKind::invalid_header,
                   fmt::format("The header {} must be up to {} bytes of UTF-8 without control "
                               "characters.",
                               name, domain::Identity::kMaxBytes));
  }
  into = value;
  return {};
}

// Adds the tags of one field line; false when it is no list of tags (RFC 9110 8.8.3).
bool take_entity_tags(domain::EntityTags& tags, std::string_view list, Comparison comparison) {
  list = trimmed(list);
  if (list == "*") {
    tags.any = true;
    return true;
  }
  bool any = false;
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
    if (ours && (!weak || comparison == Comparison::weak)) tags.versions.push_back(version);
    any = true;
    list = trimmed(list.substr(end + 1));
    if (!list.empty() && !list.starts_with(',')) return false;
  }
  return any;
}

bool is_json(std::string_view content_type) {
  return equals_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))),
                              "application/json");
}

}  // namespace

Result<std::optional<std::string>> read_parameter(const http::Request& request,
                                                  std::string_view name) {
  std::optional<std::string_view> sent;
  const bool once = for_each_value(request.query, name, [&](std::string_view value) {
    if (sent) return false;
    sent = value;
    return true;
  });
  if (!once) {
    return failure(ErrorKind::invalid_parameter,
                   fmt::format("{} is given twice; give it once.", name));
  }
  if (!sent) return std::nullopt;
  auto text = percent_decoded(*sent);
  if (!text) {
    return failure(
        ErrorKind::invalid_parameter,
        fmt::format("{} has a '%' that is not followed by two hexadecimal digits.", name));
  }
  return text;
}

Result<domain::TenantId> read_tenant(const http::Request& request,
                                     const sessions::Tenants& tenants) {
  auto text = read_parameter(request, "tenantId");
  if (!text) return std::unexpected(std::move(text.error()));
  if (!*text && tenants.default_tenant()) return *tenants.default_tenant();
  return domain::TenantId::parse((*text).value_or(""));
}

Result<domain::Identity> read_identity_headers(const http::Request& request) {
  domain::Identity identity;
  for (const http::Field& field : request.fields) {
    if (field.name.size() < 11 || (field.name[0] | 0x20) != 'g') continue;
    Result<void> taken;
    if (is_named(field.name, "customerId")) {
      taken = take_identity_field(identity.customer_id, "gkc_customerId", field.value);
    } else if (is_named(field.name, "agentId")) {
      taken = take_identity_field(identity.agent_id, "gkc_agentId", field.value);
    }
    if (!taken) return std::unexpected(std::move(taken.error()));
  }
  return identity;
}

Result<domain::Update> read_update(const http::Request& request) {
  auto identity = read_identity_headers(request);
  if (!identity) return std::unexpected(std::move(identity.error()));
  domain::Update update;
  if (!request.body.empty()) {
    bool json = false;
    for (const http::Field& field : request.fields) {
      if (equals_ignoring_case(field.name, "Content-Type")) json = is_json(field.value);
    }
    if (!json) {
      return failure(ErrorKind::unsupported_media_type,
                     "Send the body as JSON, with Content-Type: application/json.");
    }
    auto body = parse_body(request.body);
    if (!body) return body;
    update = *std::move(body);
  }
  update.identity.agent_id = std::move(identity->agent_id);
  update.identity.customer_id = std::move(identity->customer_id);
  return update;
}

std::optional<domain::SessionId> read_session_id(const http::Request& request) {
  if (request.path_parameter.find('%') == std::string_view::npos) {
    return domain::SessionId::parse(request.path_parameter);
  }
  const auto text = percent_decoded(request.path_parameter);
  return text ? domain::SessionId::parse(*text) : std::nullopt;
}

Result<std::optional<domain::SessionId>> read_id_parameter(const http::Request& request,
                                                           std::string_view name) {
  const auto text = read_parameter(request, name);
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  const auto id = domain::SessionId::parse(**text);
  if (!id) {
    return failure(
        ErrorKind::invalid_parameter,
        fmt::format("{} is not one that this server gave; send it as it was given.", name));
  }
  return id;
}

Result<size_t> read_limit(const http::Request& request, size_t most, size_t when_absent) {
  const auto text = read_parameter(request, "limit");
  if (!text) return std::unexpected(text.error());
  if (!*text) return when_absent;
  size_t limit = 0;
  const char* end = (*text)->data() + (*text)->size();
  const auto [stop, ec] = std::from_chars((*text)->data(), end, limit);
  if (ec != std::errc() || stop != end || limit < 1 || limit > most) {
    return failure(ErrorKind::invalid_parameter,
                   fmt::format("limit must be a whole number from 1 to {}.", most));
  }
  return limit;
}

Result<std::optional<domain::AttributeValue>> read_attribute(const http::Request& request) {
  using domain::IdentityAttribute;
  static constexpr std::pair<const char*, IdentityAttribute> kNames[] = {
      {"agentId", IdentityAttribute::agent_id},
      {"customerId", IdentityAttribute::customer_id},
      {"visitId", IdentityAttribute::visit_id},
      {"globalVisitId", IdentityAttribute::global_visit_id}};
  std::optional<domain::AttributeValue> found;
  for (const auto& [name, attribute] : kNames) {
    auto value = read_parameter(request, name);
    if (!value) return std::unexpected(std::move(value.error()));
    if (!*value) continue;
    if (found) {
      return failure(ErrorKind::invalid_parameter,
                     "Name the sessions by one of agentId, customerId, visitId and globalVisitId.");
    }
    if ((*value)->empty() || (*value)->size() > domain::Identity::kMaxBytes || !is_utf8(**value)) {
      return failure(ErrorKind::invalid_parameter, fmt::format("{} must be 1 to {} bytes of UTF-8.",
                                                               name, domain::Identity::kMaxBytes));
    }
    found = domain::AttributeValue{attribute, **std::move(value)};
  }
  return found;
}

Result<std::optional<domain::EntityTags>> read_entity_tags(const http::Request& request,
                                                           std::string_view field_name,
                                                           Comparison comparison) {
  std::optional<domain::EntityTags> tags;
  for (const http::Field& field : request.fields) {
    if (!equals_ignoring_case(field.name, field_name)) continue;
    if (!tags) tags.emplace();
    if (!take_entity_tags(*tags, field.value, comparison)) {
      return failure(ErrorKind::invalid_header,
                     fmt::format("{} must be \"*\" or entity tags in quotes, as an ETag was given.",
                                 field_name));
    }
  }
  return tags;
}

Result<std::optional<std::string>> read_idempotency_key(const http::Request& request) {
  std::optional<std::string> key;
  for (const http::Field& field : request.fields) {
    if (!equals_ignoring_case(field.name, "Idempotency-Key")) continue;
    const bool visible =
        std::ranges::all_of(field.value, [](char c) { return c > ' ' && c < 127; });
    if (key || !visible || field.value.empty() ||
        field.value.size() > domain::kMaxIdempotencyKeyBytes) {
      return failure(ErrorKind::invalid_header,
                     fmt::format("Idempotency-Key must be 1 to {} visible ASCII characters, given "
                                 "once.",
                                 domain::kMaxIdempotencyKeyBytes));
    }
    key = field.value;
  }
  return key;
}

}  // namespace sojourn::api
