#include "commit.h"

namespace sojourn::sessions {

std::unexpected<Error> too_many_conflicts() {
  return failure(ErrorKind::overloaded,
                 "Too many requests change this session at once; send the request again.");
}

Task<Result<store::CommitOutcome>> commit(Context& context, const domain::Change& change) {
  if (context.events.retention > Duration(0) || !change.event) return context.store.commit(change);
  return [](Context& c, domain::Change unlogged) -> Task<Result<store::CommitOutcome>> {
    unlogged.logging = domain::Change::Logging::off;
    co_return co_await c.store.commit(unlogged);
  }(context, change);
}

}  // namespace sojourn::sessions
