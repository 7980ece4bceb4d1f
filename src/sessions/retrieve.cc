#include "begin.h"
#include "commit.h"
#include "domain/precondition.h"

namespace sojourn::sessions {

Task<Result<Answer>> retrieve(Context& context, RetrieveRequest request) {
  const auto policy = context.tenants->policy_of(request.tenant);
  if (!policy) co_return std::unexpected(policy.error());
  for (int attempt = 0; request.id; ++attempt) {
    if (attempt == kMaxAttempts) co_return too_many_conflicts();
    auto found = co_await context.store.get(request.tenant, *request.id);
    if (!found) co_return std::unexpected(std::move(found.error()));
    const Time now = context.clock.now();
    if (!*found || !domain::is_live(**found, now)) break;

    if (auto refused = domain::if_match_refusal(request.if_match, &**found)) {
      co_return std::unexpected(*std::move(refused));
    }
    auto touch = domain::touch(**found, *policy, now);
    if (!touch) co_return Answer{.session = **std::move(found)};
    const auto outcome = co_await commit(context, *touch);
    if (!outcome) {
      if (outcome.error().kind != ErrorKind::store_full) co_return std::unexpected(outcome.error());
      co_return Answer{.session = **std::move(found)};  // reads go on when the store is full
    }
    if (*outcome == store::CommitOutcome::committed) {
      co_return Answer{.session = *std::move(touch->after)};
    }
  }
  if (auto refused = domain::if_match_refusal(request.if_match, nullptr)) {
    co_return std::unexpected(*std::move(refused));
  }
  const domain::Update given{.identity = std::move(request.given), .attributes = {}};
  co_return co_await begin_for_unknown_id(context, request.client, request.tenant, given,
                                          request.if_unknown);
}

}  // namespace sojourn::sessions
