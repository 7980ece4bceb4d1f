#include "index_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "file_operations.h"
#include "queries.h"
#include "table_cursor.h"

namespace sojourn::lmdb {
namespace {

using domain::IdentityAttribute;

// Entries that one transaction looks at: it holds the pages it changes in memory.
constexpr size_t kStep = 4'096;

bool contains(std::span<const IdentityAttribute> all, IdentityAttribute one) {
  return std::ranges::find(all, one) != all.end();
}

std::string names_of(std::span<const IdentityAttribute> attributes) {
  std::string names;
  for (const IdentityAttribute attribute : attributes) {
    if (!names.empty()) names.append(", ");
    names.append(encoding::name_of(attribute));
  }
  return names;
}

class IndexBuilder {
 public:
  IndexBuilder(Environment& environment, Log& log)
      : environment_(environment), tables_(environment.tables()), log_(log) {}

  Result<void> fit(std::span<const IdentityAttribute> wanted) {
    int error = plan(wanted);
    if (!error && left_.empty() && built_.empty()) return {};
    if (!error && !is_new_) log_start();
    if (!error) error = set_states(false);
    if (!error && !cleared_.empty()) error = in_steps(Room::none, &IndexBuilder::clear_step);
    if (!error && !built_.empty()) error = in_steps(Room::more, &IndexBuilder::build_step);
    if (!error) error = set_states(true);
    if (!error) error = environment_.sync();
    if (error) return refusal(error);
    if (damaged_ > 0) {
      log_.write(LogLevel::error, "store.record_damaged",
                 "Stored records of sessions are damaged: they cannot be found by what they hold. "
                 "Run \"sojourn check\".",
                 {{"records", std::to_string(damaged_)}});
    }
    if (!is_new_) {
      log_.write(LogLevel::info, "store.index_ready", "The index is ready.",
                 {{"sessions", std::to_string(sessions_)}, {"entries", std::to_string(added_)}});
    }
    return {};
  }

 private:
  int plan(std::span<const IdentityAttribute> wanted) {
    ReadTransaction now(environment_);
    if (const int error = now.renew()) return error;
    for (const IdentityAttribute attribute : encoding::kAttributes) {
      const auto state = index_state(now.view(), attribute);
      if (!state) return MDB_CORRUPTED;
      if (*state != IndexState::absent) is_new_ = false;
      const bool is_wanted = contains(wanted, attribute);
      if (is_wanted && *state == IndexState::complete) continue;
      if (is_wanted) built_.push_back(attribute);
      if (!is_wanted && *state != IndexState::absent) left_.push_back(attribute);
      if (*state != IndexState::absent) cleared_.push_back(attribute);
    }
    return 0;
  }

  void log_start() {
    log_.write(LogLevel::info, "store.index_changes",
               "The index is made to fit the option sessions.index; the store opens when it is "
               "done.",
               {{"added", names_of(built_)}, {"removed", names_of(left_)}});
  }

  // Before anything changes, and at the end.
  int set_states(bool done) {
    return in_transaction(Room::none, [&](MDB_txn* transaction) {
      for (const IdentityAttribute attribute : built_) {
        const char state = done ? 1 : 0;
        const int error = put(transaction, tables_.meta, index_state_name(attribute), {&state, 1});
        if (error) return error;
      }
      for (const IdentityAttribute attribute : left_) {
        const char state = 0;
        const std::string name = index_state_name(attribute);
        const int error = done ? erase(transaction, tables_.meta, name)
                               : put(transaction, tables_.meta, name, {&state, 1});
        if (error) return error;
      }
      return 0;
    });
  }

  template <class Work>
  int in_transaction(Room room, Work work) {
    const WatchedCalls calls(environment_.allowance_of(room).limit);
    WriteTransaction transaction;
    int error = transaction.begin(environment_);
    if (!error) error = work(transaction.handle());
    if (!error) error = transaction.commit();
    return error;
  }

  // Steps through a table from its beginning to its end, one transaction each.
  int in_steps(Room room, int (IndexBuilder::*step)(MDB_txn*, std::string&)) {
    std::string from;  // the first key of the next step
    do {
      const int error = in_transaction(
          room, [&](MDB_txn* transaction) { return (this->*step)(transaction, from); });
      if (error) return error;
    } while (!from.empty());
    return 0;
  }

  // Visits up to kStep entries of `table` beginning with `from`, which then is where to go on;
  // empty at the end.
  template <class Visit>
  int visit_some(TableCursor& at, std::string& from, Visit visit) {
    int error = from.empty() ? at.first() : at.seek(from);
    for (size_t seen = 0; !error; ++seen) {
      if (seen == kStep) {
        from = at.key();
        return 0;
      }
      error = visit();
      if (!error) error = at.next();
    }
    from.clear();
    return error == MDB_NOTFOUND ? 0 : error;
  }

  int clear_step(MDB_txn* transaction, std::string& from) {
    TableCursor at(transaction, tables_.index);
    return visit_some(at, from, [&] {
      const auto key = encoding::parsed_index_key(at.key());
      return key && contains(cleared_, key->attribute) ? at.erase() : 0;
    });
  }

  int build_step(MDB_txn* transaction, std::string& from) {
    TableCursor at(transaction, tables_.sessions);
    return visit_some(at, from, [&] {
      ++sessions_;
      const auto stored = stored_session(at.key(), at.value());
      if (stored) return add_entries(transaction, stored->session);
      ++damaged_;
      return 0;
    });
  }

  int add_entries(MDB_txn* transaction, const domain::Session& session) {
    for (const IdentityAttribute attribute : built_) {
      const std::string& value = value_of(session.identity, attribute);
      if (value.empty()) continue;
      const std::string key = encoding::index_key(session.tenant, attribute, value, session.id);
      if (const int error = put(transaction, tables_.index, key, {})) return error;
      ++added_;
    }
    return 0;
  }

  static std::unexpected<Error> refusal(int error) {
    const bool full = error == MDB_MAP_FULL || error == ENOSPC || error == EDQUOT;
    return failure(ErrorKind::store_unavailable,
                   fmt::format("The index cannot be made to fit the option sessions.index: {}; {}.",
                               mdb_strerror(error),
                               full ? "make room on the disk, raise map_size, or index less"
                                    : "the next start tries again"));
  }

  Environment& environment_;
  const Tables& tables_;
  Log& log_;
  bool is_new_ = true;                      // a directory that never had an index: nothing to tell
  std::vector<IdentityAttribute> built_;    // wanted, and not complete
  std::vector<IdentityAttribute> left_;     // not wanted, and there
  std::vector<IdentityAttribute> cleared_;  // those of both that may have entries
  uint64_t sessions_ = 0;
  uint64_t added_ = 0;
  uint64_t damaged_ = 0;
};

}  // namespace

Result<void> fit_index(Environment& environment, std::span<const IdentityAttribute> wanted,
                       Log& log) {
  return IndexBuilder(environment, log).fit(wanted);
}

std::expected<IndexState, PageFault> index_state(const View& view, IdentityAttribute attribute) {
  const auto value = view.find(Table::meta, index_state_name(attribute));
  if (!value) return std::unexpected(value.error());
  if (!*value) return IndexState::absent;
  return **value == std::string_view("\1", 1) ? IndexState::complete : IndexState::incomplete;
}

}  // namespace sojourn::lmdb
