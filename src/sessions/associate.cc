#include "begin.h"
#include "commit.h"
#include "domain/precondition.h"

namespace sojourn::sessions {

Task<Result<Answer>> associate(Context& context, AssociateRequest request) {
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

    auto decided = domain::update(**found, request.given, *policy, now);
    if (!decided) co_return std::unexpected(std::move(decided.error()));
    if (!*decided) co_return Answer{.session = **std::move(found)};
    domain::Change& change = **decided;
    const auto outcome = co_await commit(context, change);
    if (!outcome) co_return std::unexpected(outcome.error());
    if (*outcome == store::CommitOutcome::committed) {
      co_return Answer{.session = *std::move(change.after)};
    }
  }
  if (auto refused = domain::refusal(request.conditions, nullptr)) {
    co_return std::unexpected(*std::move(refused));
  }
  // A request that is about a version of a session is not meant to create one.
  if (request.conditions.given()) co_return session_not_found();
  co_return co_await begin_for_unknown_id(context, request.client, request.tenant, request.given,
                                          IfUnknown::by_policy);
}

}  // namespace sojourn::sessions
