#include "begin.h"

#include "commit.h"
#include "limits/limiter.h"
#include "sessions/quota.h"

namespace sojourn::sessions {

std::unexpected<Error> session_not_found() {
  return failure(ErrorKind::session_not_found,
                 "No live session of this tenant has this id; create one with PUT /sessions/new.");
}

Result<void> take_creation(Context& context, const std::string& client,
                           const domain::TenantId& tenant, const domain::Policy& policy) {
  if (!client.empty()) {
    auto taken = limits::take(context.limiter.client_creates, client, context.client_limits.creates,
                              context.clock.now(), "new sessions of this client");
    if (!taken) return taken;
  }
  return limits::take(context.limiter.tenant_creates, tenant.text(), policy.creates,
                      context.clock.now(), "new sessions of this tenant");
}

Task<Result<Answer>> begin(Context& context, const std::string& client,
                           const domain::TenantId& tenant, const domain::Update& given,
                           domain::Cause cause) {
  const auto policy = context.tenants->policy_of(tenant);
  if (!policy) co_return std::unexpected(policy.error());
  const auto taken = take_creation(context, client, tenant, *policy);
  if (!taken) co_return std::unexpected(taken.error());
  const auto place = co_await take_place(context, tenant, *policy);
  if (!place) co_return std::unexpected(place.error());
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto change =
        domain::create(tenant, given, cause, *policy, context.clock.now(), context.entropy);
    if (!change) co_return std::unexpected(std::move(change.error()));
    const auto outcome = co_await commit(context, *change);
    if (!outcome) co_return std::unexpected(outcome.error());
    if (*outcome == store::CommitOutcome::committed) {
      co_return Answer{.session = *std::move(change->after), .is_new = true};
    }
    // The id is taken, which 128 random bits make all but impossible: take another.
  }
  co_return too_many_conflicts();
}

Task<Result<Answer>> begin_for_unknown_id(Context& context, const std::string& client,
                                          const domain::TenantId& tenant,
                                          const domain::Update& given, IfUnknown if_unknown) {
  const auto policy = context.tenants->policy_of(tenant);
  if (!policy) co_return std::unexpected(policy.error());
  if (if_unknown == IfUnknown::never_create ||
      policy->on_unknown_id == domain::OnUnknownId::not_found) {
    co_return session_not_found();
  }
  co_return co_await begin(context, client, tenant, given, domain::Cause::automatic);
}

}  // namespace sojourn::sessions
