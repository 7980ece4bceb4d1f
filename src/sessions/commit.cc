#include "commit.h"

namespace sojourn::sessions {

std::unexpected<Error> too_many_conflicts() {
  return failure(ErrorKind::overloaded,
                 "Too many requests change this session at once; send the request again.");
}

Task<Result<store::CommitOutcome>> commit(Context& context, const domain::Change& change) {
  if (context.events.retention > Duration(0) || !change.event) return context.store.commit(change);
  return [](Context& c, domain::Change silent) -> Task<Result<store::CommitOutcome>> {
    silent.event.reset();
    co_return co_await c.store.commit(silent);
  }(context, change);
}

}  // namespace sojourn::sessions
