#include "begin.h"
#include "domain/lifecycle.h"
#include "sessions/operations.h"
#include "store/session_store.h"

namespace sojourn::sessions {

Task<Result<Answer>> associate(Context& context, AssociateRequest request) {
  const domain::Policy& policy = context.tenants.policy_of(request.tenant);
  for (int attempt = 0; request.id; ++attempt) {
    if (attempt == kMaxAttempts) co_return too_many_conflicts();
    auto found = co_await context.store.get(request.tenant, *request.id);
    if (!found) co_return std::unexpected(std::move(found.error()));
    const Time now = context.clock.now();
    if (!*found || !domain::is_live(**found, now)) break;

    auto decided = domain::identify(**found, request.given, policy, now);
    if (!decided) co_return std::unexpected(std::move(decided.error()));
    if (!*decided) co_return Answer{.session = **std::move(found)};
    domain::Change& change = **decided;
    const auto outcome = co_await context.store.commit(change);
    if (!outcome) co_return std::unexpected(outcome.error());
    if (*outcome == store::CommitOutcome::committed) {
      co_return Answer{.session = *std::move(change.after)};
    }
  }
  co_return co_await begin_for_unknown_id(context, request.tenant, request.given,
                                          IfUnknown::by_policy);
}

}  // namespace sojourn::sessions
