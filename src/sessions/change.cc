#include "change.h"

namespace sojourn::sessions {
namespace {

struct FindLive {
  struct {
    domain::TenantId tenant;
    std::optional<domain::SessionId> id;
  } request;

  using Found = std::optional<domain::Session>;
  static Decision decide(const domain::Session&, const domain::Policy&, Time) { return {}; }
  static Found done(domain::Session&& session) { return std::move(session); }
  static Task<Result<Found>> over(Context&) { return Result<Found>(std::nullopt); }
};

}  // namespace

Task<Result<store::CommitOutcome>> expire(Context& context, const domain::Session& session,
                                          const domain::Policy& policy) {
  const domain::Change change = domain::expire(session, policy);
  co_return co_await commit(context, change);
}

Task<Result<std::optional<domain::Session>>> find_live(Context& context, domain::TenantId tenant,
                                                       domain::SessionId id) {
  return run_verb(context, FindLive{{std::move(tenant), id}});
}

}  // namespace sojourn::sessions
