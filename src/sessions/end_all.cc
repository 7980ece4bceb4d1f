// A walk through the index, newest first, ending what it finds. The walk begins after the call, so
// it sees every session that was answered before; one that a concurrent change takes out of the way
// is read and decided again until it is over or has the value no longer.
#include "commit.h"

namespace sojourn::sessions {
namespace {

constexpr size_t kSessionsAtOnce = 256;

// 1 when this call ended it, 0 when there was nothing to end.
Task<Result<size_t>> end_one(Context& context, const domain::AttributeValue& where,
                             domain::Session session) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const Time now = context.clock.now();
    if (!domain::is_live(session, now)) co_return size_t{0};
    const domain::Change change = domain::end(session, now);
    const auto outcome = co_await commit(context, change);
    if (!outcome) co_return std::unexpected(outcome.error());
    if (*outcome == store::CommitOutcome::committed) co_return size_t{1};

    auto found = co_await context.store.get(session.tenant, session.id);
    if (!found) co_return std::unexpected(std::move(found.error()));
    if (!*found || domain::value_of((*found)->identity, where.attribute) != where.value) {
      co_return size_t{0};
    }
    session = **std::move(found);
  }
  co_return too_many_conflicts();
}

}  // namespace

Task<Result<size_t>> end_all(Context& context, EndAllRequest request) {
  const auto policy = context.tenants->policy_of(request.tenant);
  if (!policy) co_return std::unexpected(policy.error());
  store::Query query{.tenant = request.tenant,
                     .where = request.where,
                     .below = std::nullopt,
                     .limit = kSessionsAtOnce};
  size_t ended = 0;
  for (bool more = true; more;) {  // ends: each page is below the one before
    auto page = co_await context.store.find(query);
    if (!page) co_return std::unexpected(std::move(page.error()));
    more = page->more;
    if (more) query.below = page->sessions.back().id;
    std::vector<Task<Result<size_t>>> ends;
    for (domain::Session& session : page->sessions) {
      if (session.id != request.except) {
        ends.push_back(end_one(context, request.where, std::move(session)));
      }
    }
    const auto outcomes = co_await when_all(std::move(ends));
    for (const auto& outcome : outcomes) {
      if (!outcome) co_return std::unexpected(outcome.error());
      ended += *outcome;
    }
  }
  co_return ended;
}

}  // namespace sojourn::sessions
