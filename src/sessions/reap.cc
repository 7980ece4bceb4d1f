// Sessions are filed under the time they were first to expire at, and a touch does not move them:
// so the reaper finds each when it may be due, looks at it, and removes it or files it anew.
// Everything it does is a commit like any other; when a request was first, it leaves the session to
// the next step.
#include "sessions/operations.h"

#include "commit.h"

namespace sojourn::sessions {
namespace {

enum class Step { nothing, expired, refiled, forgotten };

Task<Result<Step>> outcome_of(Context& context, const domain::Change change, Step step) {
  const auto outcome = co_await commit(context, change);
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return *outcome == store::CommitOutcome::committed ? step : Step::nothing;
}

Task<Result<Step>> reap_session(Context& context, domain::TenantId tenant, domain::SessionId id) {
  const auto session = co_await context.store.get(tenant, id);
  if (!session) co_return std::unexpected(session.error());
  if (!*session) co_return Step::nothing;
  domain::Change change =
      domain::reap(**session, context.tenants->policy_of_stored(tenant), context.clock.now());
  const Step step = change.after ? Step::refiled : Step::expired;
  co_return co_await outcome_of(context, std::move(change), step);
}

// A key is kept for its 24 hours, and then as long as its session lives.
Task<Result<Step>> reap_key(Context& context, domain::TenantId tenant, std::string key) {
  const auto entry = co_await context.store.idempotency_entry(tenant, key);
  if (!entry) co_return std::unexpected(entry.error());
  if (!*entry) co_return Step::nothing;
  const auto session = co_await context.store.get(tenant, (*entry)->session);
  if (!session) co_return std::unexpected(session.error());

  const bool live = *session && domain::is_live(**session, context.clock.now());
  // It may be touched at this moment; the key is for the step after its end.
  if (*session && !live) co_return co_await reap_session(context, tenant, (*entry)->session);

  domain::Change change;
  change.idempotency = domain::IdempotencyChange{
      .tenant = tenant, .key = std::move(key), .before = *entry, .after = std::nullopt};
  Step step = Step::forgotten;
  if (live) {
    change.idempotency->after = **entry;
    change.idempotency->after->keep_until = (*session)->expires_at;
    step = Step::refiled;
  }
  co_return co_await outcome_of(context, std::move(change), step);
}

}  // namespace

Task<Result<Reaped>> reap(Context& context, size_t limit) {
  const Time now = context.clock.now();
  auto due = co_await context.store.due(now, limit);
  if (!due) co_return std::unexpected(std::move(due.error()));
  std::vector<Task<Result<Step>>> steps;
  for (store::Due& one : *due) {
    if (const auto* id = std::get_if<domain::SessionId>(&one.what)) {
      steps.push_back(reap_session(context, std::move(one.tenant), *id));
    } else {
      steps.push_back(
          reap_key(context, std::move(one.tenant), std::get<std::string>(std::move(one.what))));
    }
  }
  Reaped reaped;
  reaped.more = due->size() == limit;
  std::optional<Error> error;
  const auto outcomes = co_await when_all(std::move(steps));
  for (const auto& outcome : outcomes) {
    if (!outcome) {
      error = outcome.error();
    } else {
      reaped.expired += *outcome == Step::expired;
      reaped.refiled += *outcome == Step::refiled;
      reaped.forgotten += *outcome == Step::forgotten;
    }
  }
  const Duration retention = context.events.retention;
  const Time oldest = retention > Duration(0) ? now - retention : Time::max();
  const auto trimmed = co_await context.store.trim_events(oldest, limit);
  if (!trimmed) co_return std::unexpected(trimmed.error());
  reaped.trimmed = *trimmed;
  reaped.more = reaped.more || *trimmed == limit;
  // One damaged session must not keep the others, nor the events: an error only when nothing could
  // be done.
  if (error && reaped.expired + reaped.refiled + reaped.forgotten + reaped.trimmed == 0) {
    co_return std::unexpected(*std::move(error));
  }
  co_return reaped;
}

}  // namespace sojourn::sessions
