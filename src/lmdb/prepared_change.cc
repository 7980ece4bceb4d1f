#include "prepared_change.h"

#include "environment.h"
#include "record.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;

bool within_limits(const Session& session) {
  const domain::Identity& identity = session.identity;
  for (const std::string* value :
       {&identity.agent_id, &identity.customer_id, &identity.visit_id, &identity.global_visit_id}) {
    if (value->size() > domain::Identity::kMaxBytes) return false;
  }
  return session.attributes.size() <= UINT32_MAX;
}

void prepare_index(const domain::Change& change, PreparedChange& prepared) {
  const domain::Identity none;
  const domain::Identity& before = change.before ? change.before->identity : none;
  const domain::Identity& after = change.after ? change.after->identity : none;
  const Session& session = change.before ? *change.before : *change.after;
  for (const Attribute attribute : kIndexed) {
    const std::string& old_value = value_of(before, attribute);
    const std::string& new_value = value_of(after, attribute);
    if (old_value == new_value) continue;
    if (!old_value.empty()) {
      prepared.index_removed.push_back(index_key(session.tenant, attribute, old_value, session.id));
    }
    if (!new_value.empty()) {
      prepared.index_added.push_back(index_key(session.tenant, attribute, new_value, session.id));
    }
  }
}

// Takes an entry away that should be there.
int remove_entry(MDB_txn* transaction, MDB_dbi table, std::string_view key, ApplyResult& result) {
  const int error = erase(transaction, table, key);
  if (error != MDB_NOTFOUND) return error;
  result.disagreement = true;
  return 0;
}

int apply_counts(MDB_txn* transaction, const Tables& tables, const PreparedChange& change,
                 ApplyResult& result) {
  if (change.counts_removed == change.counts_added) return 0;
  const auto stored = find(transaction, tables.counts, change.counts_key);
  if (!stored) return stored.error();
  Counts counts;
  if (*stored) {
    const auto decoded = decoded_counts(**stored);
    if (!decoded) result.disagreement = true;
    counts = decoded.value_or(Counts{});
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
  if (counts == Counts{}) {
    const int error = erase(transaction, tables.counts, change.counts_key);
    return error == MDB_NOTFOUND ? 0 : error;
  }
  return put(transaction, tables.counts, change.counts_key, encoded(counts));
}

int put_record(MDB_txn* transaction, MDB_dbi sessions, const PreparedChange& change, Time filed) {
  MDB_val key = as_val(change.key);
  MDB_val room{change.after->size() + kRecordOverhead, nullptr};
  if (const int error = mdb_put(transaction, sessions, &key, &room, MDB_RESERVE)) return error;
  seal_record(change.key, filed, *change.after, static_cast<char*>(room.mv_data));
  return 0;
}

}  // namespace

Result<PreparedChange> prepare(const domain::Change& change) {
  if (!change.before && !change.after) {
    return failure(ErrorKind::internal, "A change has neither a before nor an after.");
  }
  const Session& session = change.before ? *change.before : *change.after;
  if (change.before && change.after &&
      (change.before->id != change.after->id || change.before->tenant != change.after->tenant)) {
    return failure(ErrorKind::internal, "A change is about two sessions.");
  }
  for (const auto* side : {&change.before, &change.after}) {
    if (*side && !within_limits(**side)) {
      return failure(ErrorKind::internal, "A session is larger than the store takes.");
    }
  }
  PreparedChange prepared;
  prepared.key = SessionKeyBytes(session.tenant, session.id).view();
  prepared.masked_id = session.id.masked();
  prepared.counts_key = counts_key(session.tenant);
  if (change.before) {
    prepared.before = encoded_body(*change.before);
    prepared.counts_removed.of(change.before->identity) = 1;
  }
  if (change.after) {
    prepared.after = encoded_body(*change.after);
    prepared.counts_added.of(change.after->identity) = 1;
    prepared.expires_at = change.after->expires_at;
  }
  prepare_index(change, prepared);
  return prepared;
}

std::expected<ApplyResult, int> apply(MDB_txn* transaction, const Tables& tables,
                                      const PreparedChange& change) {
  const auto stored = find(transaction, tables.sessions, change.key);
  if (!stored) return std::unexpected(stored.error());

  std::optional<Time> was_filed;  // where the expiry entry is
  if (*stored) {
    const auto opened = open_record(change.key, **stored);
    if (!opened) return ApplyResult{Applied::damaged};
    if (!change.before || opened->body != *change.before) return ApplyResult{Applied::conflict};
    was_filed = opened->filed;
  } else if (change.before) {
    return ApplyResult{Applied::conflict};
  }

  // Lazy: the entry stays where it was filed unless that would be too late.
  std::optional<Time> filed;
  if (change.after) {
    filed = was_filed ? std::min(*was_filed, change.expires_at) : change.expires_at;
  }

  ApplyResult result{Applied::done};
  int error = 0;
  if (change.after) {
    error = put_record(transaction, tables.sessions, change, *filed);
  } else {
    error = erase(transaction, tables.sessions, change.key);
  }
  if (!error && was_filed != filed) {
    if (was_filed) {
      error = remove_entry(transaction, tables.expiry, expiry_key(*was_filed, change.key), result);
    }
    if (!error && filed) {
      error = put(transaction, tables.expiry, expiry_key(*filed, change.key), {});
    }
  }
  for (const std::string& key : change.index_removed) {
    if (!error) error = remove_entry(transaction, tables.index, key, result);
  }
  for (const std::string& key : change.index_added) {
    if (!error) error = put(transaction, tables.index, key, {});
  }
  if (!error) error = apply_counts(transaction, tables, change, result);
  if (error) return std::unexpected(error);
  return result;
}

}  // namespace sojourn::lmdb
