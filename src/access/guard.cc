#include "access/guard.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/fields.h"

namespace sojourn::access {
namespace {

constexpr std::string_view kRealm = R"(Bearer realm="sojourn")";
constexpr std::string_view kScheme = "Bearer";

std::unexpected<Refusal> unauthenticated(std::string_view detail, std::string_view error_code) {
  std::string challenge(kRealm);
  if (!error_code.empty())
    fmt::format_to(std::back_inserter(challenge), ", error=\"{}\"", error_code);
  return std::unexpected(
      Refusal{{ErrorKind::unauthenticated, std::string(detail)}, std::move(challenge)});
}

}  // namespace

void Guard::use(std::shared_ptr<const KeyRing> keys) {
  keys_ = std::move(keys);
  if (keys_ && !hasher_) hasher_.emplace();
}

std::expected<const ApiKey*, Refusal> Guard::identify(http::Request& request) {
  const auto authorization = http::only_value_of(request.fields, "Authorization");
  if (!authorization) return std::unexpected(Refusal{authorization.error(), {}});
  // The scheme's case does not matter (RFC 9110 11.1), and spaces follow it.
  std::string_view token = authorization->value_or("");
  const std::string_view scheme = token.substr(0, token.find(' '));
  if (!equals_ignoring_case(scheme, kScheme)) {
    return unauthenticated("Send an API key with the request, as in Authorization: Bearer sjk_...",
                           "");
  }
  token = trimmed(token.substr(scheme.size()));

  const ApiKey* key = token.size() == kKeyLength && token.starts_with(kKeyPrefix)
                          ? keys_->find((*hasher_)(token))
                          : nullptr;
  if (!key) {
    return unauthenticated("This API key is not known, or no longer; ask the operator for one.",
                           "invalid_token");
  }
  if (key->is_over(clock_.now())) {
    return unauthenticated("This API key has expired; ask the operator for a new one.",
                           "invalid_token");
  }
  request.caller = key->name;
  return key;
}

bool Guard::still_permits(const std::optional<Digest>& key, Scope scope,
                          const domain::TenantId& tenant) const {
  if (is_open()) return true;
  const ApiKey* known = key ? keys_->find(*key) : nullptr;
  return known && !known->is_over(clock_.now()) && known->scopes.has(scope) &&
         known->is_for(tenant);
}

Refusal missing_scope(Scope needed) {
  return {{ErrorKind::forbidden,
           fmt::format("This API key lacks the scope \"{}\"; ask the operator for one that has it.",
                       name_of(needed))},
          fmt::format(R"({}, error="insufficient_scope", scope="{}")", kRealm, name_of(needed))};
}

Refusal wrong_tenant() {
  return {{ErrorKind::forbidden,
           "This API key is not for this tenant; ask the operator for one that is."},
          fmt::format(R"({}, error="insufficient_scope")", kRealm)};
}

}  // namespace sojourn::access
