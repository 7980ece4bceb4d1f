#include "sessions/operations.h"
#include "store/session_store.h"

namespace sojourn::sessions {

Task<Result<domain::EventPage>> read_events(Context& context, ReadEventsRequest request) {
  const auto policy = context.tenants->policy_of(request.tenant);
  if (!policy) co_return std::unexpected(policy.error());
  const store::EventQuery query{
      .tenant = std::move(request.tenant), .after = request.after, .limit = request.limit};
  co_return co_await context.store.events(query);
}

}  // namespace sojourn::sessions
