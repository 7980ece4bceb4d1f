// A walk through the index, newest first, ending what it finds. The walk begins after the call, so
// it sees every session that was answered before; one that a concurrent change takes out of the way
// is read and decided again until it is over or has the value no longer.
#include "change.h"

namespace sojourn::sessions {
namespace {

constexpr size_t kSessionsAtOnce = 256;

// Answers 1 when it ended the session, 0 when there was nothing to end.
struct EndOne {
  EndRequest request;
  const domain::AttributeValue& where;
  bool matches = false;

  Decision decide(const domain::Session& session, const domain::Policy&, Time now) {
    matches = domain::value_of(session.identity, where.attribute) == where.value;
    if (!matches) return {};
    return {.change = domain::end(session, domain::Cause::ended_all, now)};
  }
  size_t done(const domain::Session&&) const { return matches ? 1 : 0; }
  static Task<Result<size_t>> over(Context&) { return size_t{0}; }
};

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
    for (const domain::Session& session : page->sessions) {
      if (session.id == request.except) continue;
      ends.push_back(run_verb(context, EndOne{{request.tenant, session.id, {}}, request.where}));
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
