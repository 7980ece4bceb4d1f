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
  // A touch is worth less than the read that it belongs to: when the store has no room for it, the
  // session as it was read is the answer.
  enum class Need { required, optional };
  Need need = Need::required;
};

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
    const Time now = context.clock.now();
    if (!*found || !domain::is_live(**found, now)) break;
    domain::Session& session = **found;

    Decision decision = verb.decide(session, *policy, now);
    if (decision.refusal) co_return std::unexpected(*std::move(decision.refusal));
    if (!decision.change) co_return verb.done(std::move(session));
    const auto outcome = co_await commit(context, *decision.change);
    if (!outcome) {
      const bool needed = decision.need == Decision::Need::required;
      if (needed || outcome.error().kind != ErrorKind::store_full) {
        co_return std::unexpected(outcome.error());
      }
      co_return verb.done(std::move(session));
    }
    if (*outcome == store::CommitOutcome::committed) {
      auto& after = decision.change->after;
      co_return verb.done(after ? *std::move(after) : std::move(session));
    }
  }
  co_return co_await verb.over(context);
}

}  // namespace sojourn::sessions
