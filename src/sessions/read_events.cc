#include "sessions/operations.h"
#include "store/session_store.h"

namespace sojourn::sessions {

Task<Result<std::vector<domain::LoggedEvent>>> read_events(Context& context,
                                                           domain::TenantId tenant,
                                                           std::string cursor, size_t limit) {
  const auto policy = context.tenants->policy_of(tenant);
  if (!policy) co_return std::unexpected(policy.error());
  co_return co_await context.store.events(tenant, cursor, limit);
}

}  // namespace sojourn::sessions
