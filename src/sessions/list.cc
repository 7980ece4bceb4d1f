#include <algorithm>

#include "change.h"

namespace sojourn::sessions {
namespace {

// How often one page reads on because what it read is over. The reaper keeps these few.
constexpr int kMaxReads = 20;

// Those of `stored` that are live and match, in their order. What is past its time is left out only
// when its end is committed; what was touched before that is live, and shown as it is now.
Task<Result<std::vector<domain::Session>>> live_ones(Context& context, const store::Query& query,
                                                     std::vector<domain::Session> stored) {
  const Time now = context.clock.now();
  const auto past = [now](const domain::Session& one) { return !domain::is_live(one, now); };
  if (std::ranges::none_of(stored, past)) co_return stored;

  std::vector<Task<Result<std::optional<domain::Session>>>> looks;
  for (const domain::Session& one : stored) {
    if (past(one)) looks.push_back(find_live(context, one.tenant, one.id));
  }
  auto found = co_await when_all(std::move(looks));
  std::vector<domain::Session> live;
  for (auto next = found.begin(); domain::Session & one : stored) {
    if (!past(one)) {
      live.push_back(std::move(one));
      continue;
    }
    auto& look = *next++;
    if (!look) co_return std::unexpected(std::move(look.error()));
    const auto& where = query.where;
    if (*look && (!where || value_of((*look)->identity, where->attribute) == where->value)) {
      live.push_back(**std::move(look));
    }
  }
  co_return live;
}

}  // namespace

Task<Result<Listing>> list(Context& context, ListRequest request) {
  const auto policy = context.tenants->policy_of(request.tenant);
  if (!policy) co_return std::unexpected(policy.error());
  store::Query query{.tenant = request.tenant,
                     .where = std::move(request.where),
                     .below = request.below,
                     .limit = request.limit};
  store::PageBudget budget(request.limit, query.bytes);
  Listing listing;
  for (int read = 0; read < kMaxReads; ++read) {
    query.limit = budget.limit();
    query.bytes = budget.bytes();
    auto page = co_await context.store.find(query);
    if (!page) co_return std::unexpected(std::move(page.error()));
    listing.below.reset();
    if (page->more) listing.below = query.below = page->sessions.back().id;
    auto live = co_await live_ones(context, query, std::move(page->sessions));
    if (!live) co_return std::unexpected(std::move(live.error()));
    for (domain::Session& session : *live) {
      budget.take(session);
      listing.sessions.push_back(std::move(session));
    }
    if (!page->more || budget.spent()) break;
  }
  co_return listing;
}

}  // namespace sojourn::sessions
