// A Change as bytes: made on the thread that asks for it, applied on the committer's.
//
// Here is what one commit writes: the session's record, its index and expiry entries, the tenant's
// counts. What later comes to be derived from sessions is added here.
#pragma once

#include <lmdb.h>

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "domain/lifecycle.h"
#include "tables.h"

namespace sojourn::lmdb {

struct PreparedChange {
  std::string key;                    // in `sessions`
  std::optional<std::string> before;  // bodies (record.h); at least one of the two
  std::optional<std::string> after;
  Time expires_at{};  // of `after`
  std::vector<std::string> index_removed;
  std::vector<std::string> index_added;
  std::string counts_key;
  // What is taken from and added to the tenant's counts; equal: the counts stay as they are.
  Counts counts_removed;
  Counts counts_added;
  std::string masked_id;  // for the log

  // Whether it needs more room than it frees.
  bool grows() const { return after && (!before || after->size() > before->size()); }
};

// internal when `change` is none: about two sessions, or of values beyond the domain's limits.
Result<PreparedChange> prepare(const domain::Change& change);

enum class Applied {
  done,
  conflict,  // nothing was changed
  damaged,   // nothing was changed: the stored record cannot be read
};

struct ApplyResult {
  Applied applied;
  // The tables did not agree about this session before: an entry that was to be removed was not
  // there. It is gone now, so nothing is wrong any longer, but something was.
  bool disagreement = false;
};

// Makes the change inside `transaction`. After an error (liblmdb's) the transaction is good for
// nothing but to be undone.
std::expected<ApplyResult, int> apply(MDB_txn* transaction, const Tables& tables,
                                      const PreparedChange& change);

}  // namespace sojourn::lmdb
