// Changes, committed (docs/internals/redis-data-format.md, "Commit" and "Idempotency keys").
#pragma once

#include <string>
#include <vector>

#include "background.h"
#include "base/entropy.h"
#include "due_times.h"
#include "event_log.h"
#include "index.h"
#include "intent.h"
#include "presence.h"
#include "servers.h"
#include "store/session_store.h"

namespace sojourn::redis {

class Commits {
 public:
  Commits(Servers& servers, Presence& presence, Index& index, EventLog& events, Shared& shared,
          Background& background, Entropy& entropy)
      : servers_(servers),
        presence_(presence),
        index_(index),
        events_(events),
        shared_(shared),
        background_(background),
        entropy_(entropy) {}

  Task<Result<store::CommitOutcome>> commit(const domain::Change& change);

  Task<Result<std::optional<domain::IdempotencyEntry>>> idempotency_entry(domain::TenantId tenant,
                                                                          std::string key);

  // Finishes the commit with this key (encoding::idempotency_key) that someone began, if there is
  // one.
  Task<Result<void>> finish_begun(std::string key);

 private:
  // What scripts/commit.lua answers.
  enum class Decision { committed, conflict, too_late, given_up };

  Task<Result<store::CommitOutcome>> commit_session(const domain::Change& change);
  Task<Result<store::CommitOutcome>> commit_with_key(const domain::Change& change);
  Task<Result<store::CommitOutcome>> commit_key(const domain::IdempotencyChange& change);

  // What must be known elsewhere before the session is written.
  Task<Result<std::vector<Mark>>> announce(const domain::Change& change, bool in_place);

  // Runs the script, and brings the event into the log.
  Task<Result<Decision>> decide(const Script& script, std::string session,
                                std::vector<std::string> arguments, std::string marker);
  // Runs the commit of an intent to its end, whoever began it.
  Task<Result<Decision>> finish(std::string key, std::string intent);
  Task<Result<Reply>> resolve(std::string key, Intent intent, bool carry_out);
  Task<void> forget_marker(std::string session, std::string number);

  Servers& servers_;
  Presence& presence_;
  Index& index_;
  EventLog& events_;
  Shared& shared_;
  Background& background_;
  Entropy& entropy_;
};

}  // namespace sojourn::redis
