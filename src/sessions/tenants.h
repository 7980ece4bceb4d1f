// What tenants there are and which policy each lives by.
#pragma once

#include <map>
#include <optional>

#include "base/error.h"
#include "domain/policy.h"
#include "domain/tenant_id.h"

namespace sojourn::sessions {

struct TenantsOptions {
  // sessions.*: the policy of every tenant that has none of its own.
  domain::Policy policy;
  // [tenants.policy."ID"]: complete policies, already merged with the one above.
  std::map<domain::TenantId, domain::Policy> policies;
  // tenants.closed: only tenants with a policy exist.
  bool closed = false;
  // tenants.default: the tenant meant when a request names none, for clients older than tenants.
  // Absent: such a request is refused.
  std::optional<domain::TenantId> default_tenant;
};

// Immutable; any thread may call.
class Tenants {
 public:
  explicit Tenants(TenantsOptions options);

  // The policy, or tenant_not_found. A value, so that a use case that waits keeps the one it began
  // with while the options are loaded anew.
  Result<domain::Policy> policy_of(const domain::TenantId& tenant) const;
  // As policy_of; the common policy for a tenant that does not exist any more, whose sessions are
  // still stored.
  domain::Policy policy_of_stored(const domain::TenantId& tenant) const;
  // True when the requests of some tenant are limited.
  bool limit_requests() const { return limit_requests_; }
  const std::optional<domain::TenantId>& default_tenant() const { return options_.default_tenant; }

 private:
  TenantsOptions options_;
  bool limit_requests_;
};

}  // namespace sojourn::sessions
