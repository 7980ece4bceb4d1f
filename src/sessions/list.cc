#include "sessions/operations.h"
#include "store/session_store.h"

namespace sojourn::sessions {
namespace {

// How often one page reads on because what it read is over. The reaper keeps these few.
constexpr int kMaxReads = 20;

}  // namespace

Task<Result<Listing>> list(Context& context, ListRequest request) {
  const auto policy = context.tenants->policy_of(request.tenant);
  if (!policy) co_return std::unexpected(policy.error());
  store::Query query{.tenant = request.tenant,
                     .where = std::move(request.where),
                     .below = request.below,
                     .limit = request.limit};
  Listing listing;
  for (int read = 0; read < kMaxReads; ++read) {
    query.limit = request.limit - listing.sessions.size();
    auto page = co_await context.store.find(query);
    if (!page) co_return std::unexpected(std::move(page.error()));
    listing.below.reset();
    if (page->more) listing.below = query.below = page->sessions.back().id;
    const Time now = context.clock.now();
    for (domain::Session& session : page->sessions) {
      if (domain::is_live(session, now)) listing.sessions.push_back(std::move(session));
    }
    if (!page->more || listing.sessions.size() == request.limit) break;
  }
  co_return listing;
}

}  // namespace sojourn::sessions
