// What one transaction writes: changes with all that is derived from them, and what is trimmed.
#pragma once

#include <lmdb.h>

#include <expected>
#include <string>

#include "event_logs.h"
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
  // there, or the mark of its tenant's log was damaged. Nothing is wrong any longer, but something
  // was.
  bool disagreement = false;
};

// The changes of one transaction, in their order. After an error (liblmdb's) the transaction is
// good for nothing but to be undone.
class Application {
 public:
  Application(MDB_txn* transaction, const Tables& tables, Time now)
      : transaction_(transaction), tables_(tables), logs_(transaction, tables, now) {}

  std::expected<ApplyResult, int> apply(const PreparedChange& change);

  // How many events were removed.
  std::expected<size_t, int> trim(const Trimming& trimming) { return logs_.trim(trimming); }

  // Before the transaction is committed: writes what was held back until its end.
  int finish() { return logs_.finish(); }

  // After it: the time of the earliest event that is to be trimmed some day (event_logs.h).
  std::optional<Time> earliest_event() const { return logs_.earliest(); }

 private:
  int apply_session(const PreparedSession& change, const std::optional<Time>& was_filed,
                    ApplyResult& result);
  int apply_counts(const PreparedSession& change, ApplyResult& result);
  int apply_idempotency(const PreparedKey& change, ApplyResult& result);
  int apply_event(const PreparedSession& change, ApplyResult& result);
  int remove_entry(MDB_dbi table, std::string_view key, ApplyResult& result);

  MDB_txn* transaction_;
  const Tables& tables_;
  EventLogs logs_;
};

}  // namespace sojourn::lmdb
