#include "begin.h"
#include "commit.h"
#include "domain/precondition.h"

namespace sojourn::sessions {

Task<Result<Answer>> end(Context& context, EndRequest request) {
  const auto policy = context.tenants->policy_of(request.tenant);
  if (!policy) co_return std::unexpected(policy.error());
  for (int attempt = 0; request.id; ++attempt) {
    if (attempt == kMaxAttempts) co_return too_many_conflicts();
    auto found = co_await context.store.get(request.tenant, *request.id);
    if (!found) co_return std::unexpected(std::move(found.error()));
    const Time now = context.clock.now();
    if (!*found || !domain::is_live(**found, now)) break;
    if (auto refused = domain::refusal(request.conditions, &**found)) {
      co_return std::unexpected(*std::move(refused));
    }

    const domain::Change change = domain::end(**found, now);
    const auto outcome = co_await commit(context, change);
    if (!outcome) co_return std::unexpected(outcome.error());
    if (*outcome == store::CommitOutcome::committed) {
      co_return Answer{.session = **std::move(found)};
    }
  }
  if (auto refused = domain::refusal(request.conditions, nullptr)) {
    co_return std::unexpected(*std::move(refused));
  }
  co_return session_not_found();
}

}  // namespace sojourn::sessions
