// What one transaction writes: changes with all that is derived from them, and what is trimmed.
#pragma once

#include <lmdb.h>

#include <expected>
#include <span>
#include <string>

#include "prepared_change.h"

namespace sojourn::lmdb {

enum class Applied {
  done,
  conflict,  // nothing was changed
  damaged,   // nothing was changed: what is stored cannot be read
};

struct ApplyResult {
  Applied applied;
  // The tables did not agree about this session before: an entry that was to be removed was not
  // there. It is gone now, so nothing is wrong any longer, but something was.
  bool disagreement = false;
};

// The changes of one transaction, in their order. After an error (liblmdb's) the transaction is
// good for nothing but to be undone.
class Application {
 public:
  Application(MDB_txn* transaction, const Tables& tables)
      : transaction_(transaction), tables_(tables) {}

  std::expected<ApplyResult, int> apply(const PreparedChange& change);

  // Takes the events of those keys away: how many were there.
  std::expected<size_t, int> trim(std::span<const std::string> event_keys);

  // Before the transaction is committed: writes what was held back until its end.
  int finish();

 private:
  int apply_session(const PreparedSession& change, const std::optional<Time>& was_filed,
                    ApplyResult& result);
  int apply_counts(const PreparedSession& change, ApplyResult& result);
  int apply_idempotency(const PreparedKey& change, ApplyResult& result);
  int append_event(const PreparedSession& change);
  int remove_entry(MDB_dbi table, std::string_view key, ApplyResult& result);

  MDB_txn* transaction_;
  const Tables& tables_;
  uint64_t next_event_ = 0;  // 0: not read yet; `meta` has it
};

}  // namespace sojourn::lmdb
