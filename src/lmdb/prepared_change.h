// A Change as bytes: made on the thread that asks for it, applied on the committer's (apply.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "domain/lifecycle.h"
#include "tables.h"

namespace sojourn::lmdb {

// The session of a change, and all that is derived from it.
struct PreparedSession {
  std::string key;                    // in `sessions`
  std::optional<std::string> before;  // bodies (record.h); at least one of the two
  std::optional<std::string> after;
  Time expires_at{};    // of `after`
  bool refile = false;  // the expiry entry moves to expires_at
  std::vector<std::string> index_removed;
  std::vector<std::string> index_added;
  std::string counts_key;
  // What is taken from and added to the tenant's counts; equal: the counts stay as they are.
  domain::Counts counts_removed;
  domain::Counts counts_added;
  std::optional<std::string> event;  // body (event_record.h)
  bool event_is_kept = true;
};

// The idempotency key of a change.
struct PreparedKey {
  std::string key;  // in `idempotency`
  std::optional<domain::IdempotencyEntry> before;
  std::optional<domain::IdempotencyEntry> after;
};

struct PreparedChange {
  std::optional<PreparedSession> session;  // at least one of the two
  std::optional<PreparedKey> idempotency;
  std::optional<domain::SessionId> concerns;  // for the log: of which session

  Room room() const;
};

// `indexed`: the attributes that have index entries. internal when `change` is none: about nothing,
// about two sessions, or of values beyond the domain's limits.
Result<PreparedChange> prepare(const domain::Change& change,
                               std::span<const domain::IdentityAttribute> indexed);

}  // namespace sojourn::lmdb
