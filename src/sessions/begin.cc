#include "begin.h"

#include "domain/lifecycle.h"
#include "store/session_store.h"

namespace sojourn::sessions {

std::unexpected<Error> too_many_conflicts() {
  return failure(ErrorKind::overloaded,
                 "Too many requests change this session at once; send the request again.");
}

Task<Result<Answer>> begin(Context& context, const domain::TenantId& tenant,
                           const domain::Identity& given, domain::Cause cause) {
  const domain::Policy& policy = context.tenants.policy_of(tenant);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    domain::Change change =
        domain::create(tenant, given, cause, policy, context.clock.now(), context.entropy);
    const auto outcome = co_await context.store.commit(change);
    if (!outcome) co_return std::unexpected(outcome.error());
    if (*outcome == store::CommitOutcome::committed) {
      co_return Answer{.session = *std::move(change.after), .is_new = true};
    }
    // The id is taken, which 128 random bits make all but impossible: take another.
  }
  co_return too_many_conflicts();
}

Task<Result<Answer>> begin_for_unknown_id(Context& context, const domain::TenantId& tenant,
                                          const domain::Identity& given, IfUnknown if_unknown) {
  if (if_unknown == IfUnknown::never_create ||
      context.tenants.policy_of(tenant).on_unknown_id == domain::OnUnknownId::not_found) {
    co_return failure(ErrorKind::session_not_found,
                      "No live session of this tenant has this id; create one with "
                      "PUT /sessions/new.");
  }
  co_return co_await begin(context, tenant, given, domain::Cause::automatic);
}

}  // namespace sojourn::sessions
