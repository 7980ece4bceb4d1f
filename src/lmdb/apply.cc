#include "apply.h"

#include <algorithm>

#include "encoding/bytes.h"
#include "encoding/event_record.h"
#include "environment.h"
#include "record.h"

namespace sojourn::lmdb {
namespace {

// Whether what is stored is what the change was decided on.
struct Comparison {
  Applied outcome = Applied::done;  // done: it is
  std::optional<Time> was_filed;    // where the expiry entry of the session is
};

std::expected<Comparison, int> compare_session(MDB_txn* transaction, const Tables& tables,
                                               const PreparedSession& change) {
  const auto stored = find(transaction, tables.sessions, change.key);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return Comparison{change.before ? Applied::conflict : Applied::done, {}};
  const auto opened = open_record(change.key, **stored);
  if (!opened) return Comparison{Applied::damaged, {}};
  if (!change.before || opened->body != *change.before) return Comparison{Applied::conflict, {}};
  return Comparison{Applied::done, opened->filed};
}

std::expected<Applied, int> compare_key(MDB_txn* transaction, const Tables& tables,
                                        const PreparedKey& change) {
  const auto stored = find(transaction, tables.idempotency, change.key);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return change.before ? Applied::conflict : Applied::done;
  const auto entry = encoding::decoded_entry(change.key, **stored);
  if (!entry) return Applied::damaged;
  return change.before && *entry == *change.before ? Applied::done : Applied::conflict;
}

}  // namespace

std::expected<ApplyResult, int> Application::apply(const PreparedChange& change) {
  std::optional<Time> was_filed;
  if (change.session) {
    const auto compared = compare_session(transaction_, tables_, *change.session);
    if (!compared) return std::unexpected(compared.error());
    if (compared->outcome != Applied::done) return ApplyResult{compared->outcome};
    was_filed = compared->was_filed;
  }
  if (change.idempotency) {
    const auto compared = compare_key(transaction_, tables_, *change.idempotency);
    if (!compared) return std::unexpected(compared.error());
    if (*compared != Applied::done) return ApplyResult{*compared};
  }

  ApplyResult result{Applied::done};
  int error = 0;
  if (change.session) error = apply_session(*change.session, was_filed, result);
  if (!error && change.idempotency) error = apply_idempotency(*change.idempotency, result);
  if (error) return std::unexpected(error);
  return result;
}

int Application::apply_session(const PreparedSession& change, const std::optional<Time>& was_filed,
                               ApplyResult& result) {
  // Lazy: the entry stays where it was filed unless that would be too late, or it is to move.
  std::optional<Time> filed;
  if (change.after) {
    filed = change.expires_at;
    if (was_filed && !change.refile) filed = std::min(*was_filed, change.expires_at);
  }

  int error = 0;
  if (change.after) {
    MDB_val key = as_val(change.key);
    MDB_val room{change.after->size() + kRecordOverhead, nullptr};
    error = mdb_put(transaction_, tables_.sessions, &key, &room, MDB_RESERVE);
    if (!error) {
      seal_record(change.key, *filed, *change.after, static_cast<char*>(room.mv_data));
    }
  } else {
    error = erase(transaction_, tables_.sessions, change.key);
  }
  if (!error && was_filed != filed) {
    if (was_filed) {
      error = remove_entry(tables_.expiry, expiry_key(*was_filed, FiledKind::session, change.key),
                           result);
    }
    if (!error && filed) {
      error =
          put(transaction_, tables_.expiry, expiry_key(*filed, FiledKind::session, change.key), {});
    }
  }
  for (const std::string& key : change.index_removed) {
    if (!error) error = remove_entry(tables_.index, key, result);
  }
  for (const std::string& key : change.index_added) {
    if (!error) error = put(transaction_, tables_.index, key, {});
  }
  if (!error) error = apply_counts(change, result);
  if (!error && change.event) error = apply_event(change, result);
  return error;
}

int Application::apply_counts(const PreparedSession& change, ApplyResult& result) {
  if (change.counts_removed == change.counts_added) return 0;
  const auto stored = find(transaction_, tables_.counts, change.counts_key);
  if (!stored) return stored.error();
  domain::Counts counts;
  if (*stored) {
    const auto decoded = decoded_counts(**stored);
    if (!decoded) result.disagreement = true;
    counts = decoded.value_or(domain::Counts{});
  }
  const auto adjust = [&result](uint64_t& count, uint64_t removed, uint64_t added) {
    if (count < removed) {
      result.disagreement = true;
      count = removed;
    }
    count = count - removed + added;
  };
  adjust(counts.named, change.counts_removed.named, change.counts_added.named);
  adjust(counts.anonymous, change.counts_removed.anonymous, change.counts_added.anonymous);
  if (counts == domain::Counts{}) {
    const int error = erase(transaction_, tables_.counts, change.counts_key);
    return error == MDB_NOTFOUND ? 0 : error;
  }
  return put(transaction_, tables_.counts, change.counts_key, encoded(counts));
}

int Application::apply_idempotency(const PreparedKey& change, ApplyResult& result) {
  int error = 0;
  if (change.after) {
    error = put(transaction_, tables_.idempotency, change.key,
                encoding::encoded_entry(change.key, *change.after));
  } else if (change.before) {
    error = erase(transaction_, tables_.idempotency, change.key);
  }
  const auto due = [](const domain::IdempotencyEntry& entry) { return entry.keep_until; };
  const auto was_filed = change.before.transform(due);
  const auto filed = change.after.transform(due);
  if (error || was_filed == filed) return error;
  if (was_filed) {
    error = remove_entry(tables_.expiry, expiry_key(*was_filed, FiledKind::idempotency, change.key),
                         result);
  }
  if (!error && filed) {
    error = put(transaction_, tables_.expiry,
                expiry_key(*filed, FiledKind::idempotency, change.key), {});
  }
  return error;
}

int Application::apply_event(const PreparedSession& change, ApplyResult& result) {
  const bool knew_of_damage = logs_.mark_was_damaged();
  const int error = change.event_is_kept ? logs_.append(change.counts_key, *change.event)
                                         : logs_.drop(change.counts_key);
  if (logs_.mark_was_damaged() != knew_of_damage) result.disagreement = true;
  return error;
}

// Takes an entry away that should be there.
int Application::remove_entry(MDB_dbi table, std::string_view key, ApplyResult& result) {
  const int error = erase(transaction_, table, key);
  if (error != MDB_NOTFOUND) return error;
  result.disagreement = true;
  return 0;
}

}  // namespace sojourn::lmdb
