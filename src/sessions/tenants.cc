#include "sessions/tenants.h"

namespace sojourn::sessions {

const domain::Policy& Tenants::policy_of(const domain::TenantId&) const { return options_.policy; }

}  // namespace sojourn::sessions
