#include "sessions/quota.h"

#include <algorithm>
#include <functional>

#include "base/sleep.h"
#include "store/session_store.h"

namespace sojourn::sessions {
namespace {

// Commits take milliseconds; a store that is away answers within its own limit, which is less.
constexpr Duration kPause = std::chrono::milliseconds(2);
constexpr int kMaxPauses = 2500;

// When to come again: sessions end one by one, and at the latest after their idle time.
constexpr Duration kMaxRetryAfter = std::chrono::seconds(60);

std::unexpected<Error> quota_exceeded(const domain::Policy& policy) {
  return std::unexpected(Error{
      .kind = ErrorKind::quota_exceeded,
      .detail = "This tenant has as many live sessions as it may; end some, or wait until some "
                "expire. The operator raises max_sessions.",
      .retry_after =
          std::clamp(policy.idle_timeout, Duration(std::chrono::seconds(1)), kMaxRetryAfter)});
}

// The tenant's sessions as they are stored; when these are `enough` or more, without those that are
// over, which takes a closer look.
Task<Result<uint64_t>> stored_sessions(Context& context, const domain::TenantId& tenant,
                                       uint64_t enough) {
  auto counts = co_await context.store.count(tenant);
  if (counts && counts->named + counts->anonymous >= enough)
    counts = co_await count(context, tenant);
  if (!counts) co_return std::unexpected(std::move(counts.error()));
  co_return counts->named + counts->anonymous;
}

}  // namespace

size_t CreationsUnderWay::slot_of(const domain::TenantId& tenant) const {
  return std::hash<std::string_view>()(tenant.text()) % ended_.size();
}

uint64_t CreationsUnderWay::ended(const domain::TenantId& tenant) const {
  const std::lock_guard lock(mutex_);
  return ended_[slot_of(tenant)];
}

CreationsUnderWay::Begun CreationsUnderWay::begin(const domain::TenantId& tenant, uint64_t stored,
                                                  uint64_t most, uint64_t ended) {
  const std::lock_guard lock(mutex_);
  if (ended_[slot_of(tenant)] != ended) return Begun::changed;
  const auto found = under_way_.find(tenant);
  const uint64_t others = found == under_way_.end() ? 0 : found->second;
  if (stored + others >= most) return Begun::no_room;
  ++under_way_[tenant];
  return Begun::yes;
}

void CreationsUnderWay::end(const domain::TenantId& tenant) {
  const std::lock_guard lock(mutex_);
  ++ended_[slot_of(tenant)];
  const auto found = under_way_.find(tenant);
  if (--found->second == 0) under_way_.erase(found);
}

Task<Result<Place>> take_place(Context& context, const domain::TenantId& tenant,
                               const domain::Policy& policy) {
  if (policy.max_sessions == 0) co_return Place();
  CreationsUnderWay& creations = context.creations;
  for (int pauses = 0; pauses < kMaxPauses;) {
    const uint64_t ended = creations.ended(tenant);
    const auto stored = co_await stored_sessions(context, tenant, policy.max_sessions);
    if (!stored) co_return std::unexpected(stored.error());
    switch (creations.begin(tenant, *stored, policy.max_sessions, ended)) {
      case CreationsUnderWay::Begun::yes:
        co_return Place(creations, tenant);
      case CreationsUnderWay::Begun::no_room:
        if (*stored >= policy.max_sessions) co_return quota_exceeded(policy);
        break;
      case CreationsUnderWay::Begun::changed:
        break;
    }
    ++pauses;
    co_await sleep(context.timer, kPause);
  }
  co_return failure(ErrorKind::overloaded,
                    "Too many sessions of this tenant begin at once; send the request again.");
}

}  // namespace sojourn::sessions
