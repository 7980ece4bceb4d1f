#include "sessions/tenants.h"

namespace sojourn::sessions {

Tenants::Tenants(TenantsOptions options)
    : options_(std::move(options)), limit_requests_(options_.policy.requests.limits()) {
  for (const auto& [tenant, policy] : options_.policies) {
    limit_requests_ = limit_requests_ || policy.requests.limits();
  }
}

Result<domain::Policy> Tenants::policy_of(const domain::TenantId& tenant) const {
  if (!options_.policies.empty()) {
    const auto own = options_.policies.find(tenant);
    if (own != options_.policies.end()) return own->second;
  }
  if (options_.closed) {
    return failure(ErrorKind::tenant_not_found,
                   "There is no such tenant; the operator adds one with [tenants.policy.\"ID\"].");
  }
  return options_.policy;
}

domain::Policy Tenants::policy_of_stored(const domain::TenantId& tenant) const {
  return policy_of(tenant).value_or(options_.policy);
}

}  // namespace sojourn::sessions
