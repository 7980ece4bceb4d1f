#include "change.h"

namespace sojourn::sessions {
namespace {

// More than the reaper ever leaves behind; what is beyond is counted as live.
constexpr size_t kMostDue = 10'000;
constexpr size_t kSessionsAtOnce = 256;

}  // namespace

Task<Result<domain::Counts>> count(Context& context, domain::TenantId tenant) {
  const auto due = co_await context.store.due(context.clock.now(), kMostDue);
  if (!due) co_return std::unexpected(due.error());
  std::vector<Task<Result<std::optional<domain::Session>>>> looks;
  for (size_t i = 0; i < due->size(); ++i) {
    const store::Due& one = (*due)[i];
    const auto* id = std::get_if<domain::SessionId>(&one.what);
    if (id && one.tenant == tenant) looks.push_back(find_live(context, tenant, *id));
    if (looks.size() < kSessionsAtOnce && i + 1 < due->size()) continue;
    const auto found = co_await when_all(std::exchange(looks, {}));
    for (const auto& look : found) {
      if (!look) co_return std::unexpected(look.error());
    }
  }
  co_return co_await context.store.count(tenant);
}

}  // namespace sojourn::sessions
