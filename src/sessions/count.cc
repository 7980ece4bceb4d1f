#include "sessions/operations.h"
#include "store/session_store.h"

namespace sojourn::sessions {

Task<Result<domain::Counts>> count(Context& context, domain::TenantId tenant) {
  // More than the reaper ever leaves behind; what is beyond is counted as live.
  constexpr size_t kMostDue = 10'000;

  auto counts = co_await context.store.count(tenant);
  if (!counts) co_return std::unexpected(std::move(counts.error()));
  const Time now = context.clock.now();
  const auto due = co_await context.store.due(now, kMostDue);
  if (!due) co_return std::unexpected(due.error());
  for (const store::Due& one : *due) {
    const auto* id = std::get_if<domain::SessionId>(&one.what);
    if (!id || one.tenant != tenant) continue;
    const auto session = co_await context.store.get(tenant, *id);
    if (!session) co_return std::unexpected(session.error());
    if (!*session || domain::is_live(**session, now)) continue;
    --((*session)->identity.anonymous() ? counts->anonymous : counts->named);
  }
  co_return counts;
}

}  // namespace sojourn::sessions
