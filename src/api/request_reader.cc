#include "request_reader.h"

#include <fmt/format.h>

#include "base/text.h"
#include "body.h"

namespace sojourn::api {
namespace {

constexpr std::string_view kTenantParameter = "tenantId";

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

bool is_json(std::string_view content_type) {
  return equals_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))),
                              "application/json");
}

}  // namespace

Result<domain::TenantId> read_tenant(const http::Request& request,
                                     const sessions::Tenants& tenants) {
  std::optional<std::string_view> sent;
  const bool once = for_each_value(request.query, kTenantParameter, [&](std::string_view value) {
    if (sent) return false;
    sent = value;
    return true;
  });
  if (!once) {
    return failure(ErrorKind::invalid_parameter, "tenantId is given twice; give it once.");
  }
  if (!sent && tenants.default_tenant()) return *tenants.default_tenant();
  auto text = percent_decoded(sent.value_or(""));
  if (!text) {
    return failure(ErrorKind::invalid_parameter,
                   "tenantId has a '%' that is not followed by two hexadecimal digits.");
  }
  return domain::TenantId::parse(*std::move(text));
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

Result<domain::Identity> read_identity(const http::Request& request) {
  auto identity = read_identity_headers(request);
  if (!identity || request.body.empty()) return identity;

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
  identity->visit_id = std::move(body->visit_id);
  identity->global_visit_id = std::move(body->global_visit_id);
  return identity;
}

std::optional<domain::SessionId> read_session_id(const http::Request& request) {
  if (request.path_parameter.find('%') == std::string_view::npos) {
    return domain::SessionId::parse(request.path_parameter);
  }
  const auto text = percent_decoded(request.path_parameter);
  return text ? domain::SessionId::parse(*text) : std::nullopt;
}

}  // namespace sojourn::api
