#include "check.h"

#include <fmt/format.h>

#include <map>

#include "engine.h"
#include "record.h"

namespace sojourn::lmdb {
namespace {

constexpr size_t kProblemsShown = 100;

// Compares the tables inside one view. Entries of `sessions` are the truth: each must have its
// entries elsewhere, and each entry elsewhere its session.
class Checker {
 public:
  Checker(MDB_txn* view, const Tables& tables) : view_(view), tables_(tables) {}

  Result<CheckReport> run() {
    int error = each(tables_.sessions, [this](auto key, auto value) { see_session(key, value); });
    if (!error) error = each(tables_.index, [this](auto key, auto) { see_index(key); });
    if (!error) error = each(tables_.expiry, [this](auto key, auto) { see_expiry(key); });
    if (!error)
      error = each(tables_.counts, [this](auto key, auto value) { see_counts(key, value); });
    if (error) {
      return failure(ErrorKind::store_unavailable,
                     fmt::format("The store cannot be read to its end: {}.", mdb_strerror(error)));
    }
    for (const auto& [key, counts] : counted_) {
      problem("counts: a tenant with {} sessions has no entry", counts.named + counts.anonymous);
    }
    return std::move(report_);
  }

 private:
  // Calls visit(key, value) for each entry in order.
  template <class Visit>
  int each(MDB_dbi table, Visit visit) {
    MDB_cursor* cursor = nullptr;
    if (const int error = mdb_cursor_open(view_, table, &cursor)) return error;
    MDB_val key, value;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (!error) {
      visit(as_view(key), as_view(value));
      error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return error == MDB_NOTFOUND ? 0 : error;
  }

  template <class... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    ++report_.problem_count;
    if (report_.problems.size() < kProblemsShown) {
      report_.problems.push_back(fmt::format(format, std::forward<Args>(args)...));
    }
  }

  bool has(MDB_dbi table, std::string_view key) {
    const auto found = find(view_, table, key);
    return found && found->has_value();
  }

  struct Stored {
    domain::Session session;
    Time filed;
  };

  // The session under a key; nothing when there is none that can be read.
  std::optional<Stored> stored_under(std::string_view key, std::string_view value) {
    const auto parsed = parsed_session_key(key);
    const auto opened = open_record(key, value);
    if (!parsed || !opened) return std::nullopt;
    auto session = decoded_body(opened->body, parsed->tenant, parsed->id);
    if (!session) return std::nullopt;
    return Stored{*std::move(session), opened->filed};
  }

  std::optional<Stored> stored_under(std::string_view key) {
    const auto value = find(view_, tables_.sessions, key);
    if (!value || !*value) return std::nullopt;
    return stored_under(key, **value);
  }

  void see_session(std::string_view key, std::string_view value) {
    ++report_.sessions;
    const auto parsed = parsed_session_key(key);
    if (!parsed) return problem("sessions: an entry whose key is none");
    const std::string id = parsed->id.masked();
    const auto stored = stored_under(key, value);
    if (!stored) return problem("sessions: the record of {}... is damaged", id);
    const auto& [session, filed] = *stored;
    ++counted_[counts_key(session.tenant)].of(session.identity);
    if (filed > session.expires_at) {
      problem("sessions: {}... is filed under a time after its end", id);
    }
    if (!has(tables_.expiry, expiry_key(filed, key))) {
      problem("expiry: the entry of {}... is missing", id);
    }
    for (const Attribute attribute : kIndexed) {
      const std::string& text = value_of(session.identity, attribute);
      if (!text.empty() &&
          !has(tables_.index, index_key(session.tenant, attribute, text, session.id))) {
        problem("index: an entry of {}... is missing", id);
      }
    }
  }

  void see_index(std::string_view key) {
    ++report_.index_entries;
    const auto entry = parsed_index_key(key);
    if (!entry) return problem("index: an entry whose key is none");
    const SessionKeyBytes session(entry->session.tenant, entry->session.id);
    const auto stored = stored_under(session.view());
    if (!stored || value_of(stored->session.identity, entry->attribute) != entry->value) {
      problem("index: an entry of {}... that its session does not have",
              entry->session.id.masked());
    }
  }

  void see_expiry(std::string_view key) {
    ++report_.expiry_entries;
    const auto entry = parsed_expiry_key(key);
    const auto session = entry ? parsed_session_key(entry->session_key) : std::nullopt;
    if (!session) return problem("expiry: an entry whose key is none");
    const auto stored = stored_under(entry->session_key);
    if (!stored || stored->filed != entry->filed) {
      problem("expiry: an entry of {}... that its session does not have", session->id.masked());
    }
  }

  void see_counts(std::string_view key, std::string_view value) {
    ++report_.tenants;
    const auto counts = decoded_counts(value);
    const auto counted = counted_.extract(std::string(key));
    const Counts right = counted ? counted.mapped() : Counts{};
    if (!counts || *counts == Counts{} || *counts != right) {
      problem("counts: a tenant with {} named and {} anonymous sessions has another entry",
              right.named, right.anonymous);
    }
  }

  MDB_txn* view_;
  const Tables& tables_;
  CheckReport report_;
  std::map<std::string, Counts> counted_;  // by key in `counts`; what `counts` has is taken out
};

Result<CheckReport> check(const Environment& environment) {
  ReadTransaction view(environment);
  if (const int error = view.renew()) {
    return failure(ErrorKind::store_unavailable,
                   fmt::format("The store cannot be read: {}.", mdb_strerror(error)));
  }
  return Checker(view.handle(), environment.tables()).run();
}

}  // namespace

Result<CheckReport> check(const std::filesystem::path& path) {
  const auto environment = Environment::open_to_read(path);
  if (!environment) return std::unexpected(environment.error());
  return check(**environment);
}

Result<CheckReport> check(LmdbEngine& engine) { return check(*engine.impl().environment); }

}  // namespace sojourn::lmdb
