#include "sessions/tenants.h"

namespace sojourn::sessions {

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

}  // namespace sojourn::sessions
