#include "request_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/error_table.h"
#include "base/text.h"
#include "body.h"
#include "http/fields.h"
#include "http/query.h"

namespace sojourn::api {
namespace {

// "gkc_agentId" or "gkc-agentId" in any case: proxies such as nginx drop names with an underscore.
bool is_identity_field(std::string_view name, std::string_view rest) {
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
  if (!domain::is_identity_value(value)) {
    return failure(ErrorKind::invalid_header,
                   fmt::format("The header {} must be up to {} bytes of UTF-8 without control "
                               "characters.",
                               name, domain::Identity::kMaxBytes));
  }
  into = value;
  return {};
}

bool is_json(std::string_view content_type) {
  return equals_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))),
                              "application/json");
}

// Whether the body is in another coding than "identity" (RFC 9110 8.4).
bool is_encoded(const http::Request& request) {
  for (std::string_view list : http::values_of(request.fields, "Content-Encoding")) {
    for (std::string_view coding; !(coding = http::take_element(list)).empty();) {
      if (!equals_ignoring_case(coding, "identity")) return true;
    }
  }
  return false;
}

// Puts what a header says beside what the body says.
Result<void> take_from_header(std::string& body_value, std::string& header_value,
                              std::string_view header, std::string_view member) {
  if (header_value.empty()) return {};
  if (!body_value.empty() && body_value != header_value) {
    return failure(ErrorKind::invalid_header,
                   fmt::format("The header {} differs from the body's {}; send one of them, or the "
                               "same in both.",
                               header, member));
  }
  body_value = std::move(header_value);
  return {};
}

}  // namespace

Result<domain::TenantId> read_tenant(const http::Request& request,
                                     const sessions::Tenants& tenants) {
  auto text = http::parameter(request.query, "tenantId");
  if (!text) return std::unexpected(std::move(text.error()));
  if (!*text && tenants.default_tenant()) return *tenants.default_tenant();
  return domain::TenantId::parse((*text).value_or(""));
}

Result<domain::Identity> read_identity_headers(const http::Request& request) {
  domain::Identity identity;
  for (const http::Field& field : request.fields) {
    if (field.name.size() < 11 || (field.name[0] | 0x20) != 'g') continue;
    Result<void> taken;
    if (is_identity_field(field.name, "customerId")) {
      taken = take_identity_field(identity.customer_id, "gkc_customerId", field.value);
    } else if (is_identity_field(field.name, "agentId")) {
      taken = take_identity_field(identity.agent_id, "gkc_agentId", field.value);
    }
    if (!taken) return std::unexpected(std::move(taken.error()));
  }
  return identity;
}

Result<domain::Update> read_update(const http::Request& request) {
  auto identity = read_identity_headers(request);
  if (!identity) return std::unexpected(std::move(identity.error()));
  const auto content_type = http::only_value_of(request.fields, "Content-Type");
  if (!content_type) return std::unexpected(content_type.error());
  domain::Update update;
  if (!request.body.empty()) {
    if (is_encoded(request)) {
      return failure(ErrorKind::unsupported_media_type,
                     "Send the body as it is, without Content-Encoding.");
    }
    if (!*content_type || !is_json(**content_type)) {
      return failure(ErrorKind::unsupported_media_type,
                     "Send the body as JSON, with Content-Type: application/json.");
    }
    auto body = parse_body(request.body);
    if (!body) return body;
    update = *std::move(body);
  }
  auto taken =
      take_from_header(update.identity.agent_id, identity->agent_id, "gkc_agentId", "agentId");
  if (taken) {
    taken = take_from_header(update.identity.customer_id, identity->customer_id, "gkc_customerId",
                             "customerId");
  }
  if (!taken) return std::unexpected(std::move(taken.error()));
  return update;
}

void refuse_update(const http::Request& request, const Error& error, http::Response& response) {
  write_error(error, response);
  // "servers that fail a request with a 415 status for reasons unrelated to content codings MUST
  // NOT include the Accept-Encoding header field" (RFC 7694 3), by which clients tell the two
  // apart.
  if (error.kind != ErrorKind::unsupported_media_type) return;
  if (is_encoded(request)) {
    response.add_field("Accept-Encoding", "identity");
  } else {
    response.add_field("Accept", "application/json");
  }
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
  const auto text = http::parameter(request.query, name);
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
  const auto text = http::parameter(request.query, "limit");
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
    auto sent = http::parameter(request.query, name);
    if (!sent) return std::unexpected(std::move(sent.error()));
    if (!*sent) continue;
    if (found) {
      return failure(ErrorKind::invalid_parameter,
                     "Name the sessions by one of agentId, customerId, visitId and globalVisitId.");
    }
    // As in the header, so that the same text means the same person.
    const std::string_view value = trimmed(**sent);
    if (value.empty() || !domain::is_identity_value(value)) {
      return failure(ErrorKind::invalid_parameter,
                     fmt::format("{} must be 1 to {} bytes of UTF-8 without control characters.",
                                 name, domain::Identity::kMaxBytes));
    }
    found = domain::AttributeValue{attribute, std::string(value)};
  }
  return found;
}

Result<std::optional<std::string>> read_idempotency_key(const http::Request& request) {
  const auto key = http::only_value_of(request.fields, "Idempotency-Key");
  if (!key) return std::unexpected(key.error());
  if (!*key) return std::nullopt;
  const bool visible = std::ranges::all_of(**key, [](char c) { return c > ' ' && c < 127; });
  if (!visible || (*key)->empty() || (*key)->size() > domain::kMaxIdempotencyKeyBytes) {
    return failure(ErrorKind::invalid_header,
                   fmt::format("Idempotency-Key must be 1 to {} visible ASCII characters.",
                               domain::kMaxIdempotencyKeyBytes));
  }
  return std::string(**key);
}

}  // namespace sojourn::api
