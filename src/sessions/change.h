// The loop that all verbs on one session share: read, live?, decide, commit, again.
//
// A verb is a plain struct: its `request`, which names the session by `tenant` and `id`, and three
// functions:
//   decide(session, policy, now)  what to do with a live session, by the rules of
//   domain/lifecycle.h;
//                                 called again for each session that is read, so it depends on
//                                 nothing but its arguments and the request
//   done(session)                 the answer: `session` is as committed, or as it was last when it
//                                 was ended
//   over(context)                 the answer when there is no live session
//
// *Over is final*: after somebody heard that a session is over or unknown, no request that is sent
// later is answered with that session alive. Every answer takes effect at one moment between its
// request and itself:
//
//   alive   when its record was read, or when its change was committed
//   over    when the record was removed, or when a read found none
//
// A stored session that is past its time is alive until its record is removed: a touch that was
// decided before expires_at may still be on its way to the store. So over() is called only after
// this loop has committed the removal itself (the change that the reaper makes), or has read that
// there is no record. The store compares whole records, so either the touch was first, then the
// removal is a conflict, and the loop reads the session with its new expires_at; or the removal was
// first, then the touch is a conflict, and its request reads that there is no record. And what was
// removed stays away: every later read shows it (store/session_store.h), every change of the record
// is a conflict, and ids are never used twice. So "alive" always takes effect before "over". If the
// removal cannot be committed, the answer is that error.
//
// `now` is taken after the read. So a session that is shown because it was live at `now` was live
// when it was read, too: it is never served at or after its expires_at, but for the time that the
// answer takes to be written, or its change to be committed.
//
// This holds on every store, since all of it rests on one record changing in one order that all
// readers see: the memory map and the single committer of the embedded store, the master of the
// session's slot on Redis. There the clocks of several servers may differ: one that is ahead ends
// a session earlier than another would, but what it said stays true. What a failover loses can
// bring a session back, as it can undo any change (docs/reliability.md).
//
// Asking for sessions that are over costs one commit a session, once: the reaper's work, done
// early.
#pragma once

#include <optional>
#include <utility>

#include "commit.h"

namespace sojourn::sessions {

struct Decision {
  // Absent: nothing is to be written, and the session as it was read is the answer.
  std::optional<domain::Change> change = {};
  // Present: this is the answer, and nothing is written.
  std::optional<Error> refusal = {};
  // A touch is worth less than the read that it belongs to: when an optional change cannot be
  // written, for whatever reason, the session as it was read is the answer, if it still is live.
  enum class Need { required, optional };
  Need need = Need::required;
};

// Removes a stored session that is past its time.
Task<Result<store::CommitOutcome>> expire(Context& context, const domain::Session& session,
                                          const domain::Policy& policy);

// Runs `verb`; a request without an id is about no session, so it is over. Errors are those of the
// store, of decide() and over(), tenant_not_found, and overloaded after kMaxAttempts.
template <class Verb>
auto run_verb(Context& context, Verb verb)
    -> Task<Result<decltype(verb.done(std::declval<domain::Session>()))>> {
  const auto policy = context.tenants->policy_of(verb.request.tenant);
  if (!policy) co_return std::unexpected(policy.error());
  for (int attempt = 0; verb.request.id; ++attempt) {
    if (attempt == kMaxAttempts) co_return too_many_conflicts();
    auto found = co_await context.store.get(verb.request.tenant, *verb.request.id);
    if (!found) co_return std::unexpected(std::move(found.error()));
    if (!*found) break;
    domain::Session& session = **found;
    const Time now = context.clock.now();
    if (!domain::is_live(session, now)) {
      const auto expired = co_await expire(context, session, *policy);
      if (!expired) co_return std::unexpected(expired.error());
      if (*expired == store::CommitOutcome::committed) break;
      continue;
    }

    Decision decision = verb.decide(session, *policy, now);
    if (decision.refusal) co_return std::unexpected(*std::move(decision.refusal));
    if (!decision.change) co_return verb.done(std::move(session));
    const auto outcome = co_await commit(context, *decision.change);
    if (!outcome) {
      if (decision.need == Decision::Need::required) co_return std::unexpected(outcome.error());
      if (!domain::is_live(session, context.clock.now())) continue;
      co_return verb.done(std::move(session));
    }
    if (*outcome == store::CommitOutcome::committed) {
      auto& after = decision.change->after;
      co_return verb.done(after ? *std::move(after) : std::move(session));
    }
  }
  co_return co_await verb.over(context);
}

// The session if it is live, which is not an access; absent: it is over.
Task<Result<std::optional<domain::Session>>> find_live(Context& context, domain::TenantId tenant,
                                                       domain::SessionId id);

}  // namespace sojourn::sessions
