// What tenants there are and which policy each lives by.
#pragma once

#include <optional>

#include "base/error.h"
#include "domain/policy.h"
#include "domain/tenant_id.h"

namespace sojourn::sessions {

struct TenantsOptions {
  // sessions.*: the policy of every tenant.
  domain::Policy policy;
  // tenants.default: the tenant meant when a request names none, for clients older than tenants.
  // Absent: such a request is refused.
  std::optional<domain::TenantId> default_tenant;
};

// Immutable; any thread may call.
class Tenants {
 public:
  explicit Tenants(TenantsOptions options) : options_(std::move(options)) {}

  const domain::Policy& policy_of(const domain::TenantId& tenant) const;
  const std::optional<domain::TenantId>& default_tenant() const { return options_.default_tenant; }

 private:
  TenantsOptions options_;
};

}  // namespace sojourn::sessions
