#include "check.h"

#include <fmt/format.h>

#include <map>

#include "encoding/bytes.h"
#include "encoding/event_record.h"
#include "engine.h"
#include "event_logs.h"
#include "index_builder.h"
#include "queries.h"
#include "table_cursor.h"

namespace sojourn::lmdb {
namespace {

constexpr size_t kProblemsShown = 100;

// Compares the tables inside one view. Entries of `sessions` are the truth: each must have its
// entries elsewhere, and each entry elsewhere its session.
class Checker {
 public:
  Checker(MDB_txn* view, const Tables& tables) : view_(view), tables_(tables) {}

  Result<CheckReport> run() {
    int error = read_meta();
    if (!error)
      error = each(tables_.sessions, [this](auto key, auto value) { see_session(key, value); });
    if (!error) error = each(tables_.index, [this](auto key, auto) { see_index(key); });
    if (!error) error = each(tables_.expiry, [this](auto key, auto) { see_expiry(key); });
    if (!error) {
      error = each(tables_.counts, [this](auto key, auto value) { see_counts(key, value); });
    }
    if (!error) {
      error = each(tables_.events, [this](auto key, auto value) { see_event(key, value); });
    }
    if (!error && tables_.logs) {
      error = each(*tables_.logs, [this](auto key, auto) { see_log(key); });
    }
    if (!error) {
      error = each(tables_.idempotency, [this](auto key, auto value) { see_key(key, value); });
    }
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
  // What `meta` says of the other tables.
  int read_meta() {
    for (const domain::IdentityAttribute attribute : encoding::kAttributes) {
      const auto state = index_state(view_, tables_, attribute);
      if (!state) return state.error();
      index_states_[attribute] = *state;
    }
    if (tables_.logs) return 0;
    const auto next = find(view_, tables_.meta, kNextEvent);
    if (!next) return next.error();
    if (*next && (*next)->size() == sizeof(uint64_t)) {
      next_event_ = encoding::number_at<uint64_t>((*next)->data());
    } else {
      problem("meta: the number of the next event is missing");
    }
    return 0;
  }

  // Calls visit(key, value) for each entry in order.
  template <class Visit>
  int each(MDB_dbi table, Visit visit) {
    TableCursor at(view_, table);
    int error = at.first();
    for (; !error; error = at.next()) visit(at.key(), at.value());
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

  // The session under a key; nothing when there is none that can be read.
  std::optional<StoredSession> stored_under(std::string_view key) {
    const auto value = find(view_, tables_.sessions, key);
    if (!value || !*value) return std::nullopt;
    return stored_session(key, **value);
  }

  void see_session(std::string_view key, std::string_view value) {
    ++report_.sessions;
    const auto parsed = encoding::parsed_session_key(key);
    if (!parsed) return problem("sessions: an entry whose key is none");
    const std::string id = parsed->id.masked();
    const auto stored = stored_session(key, value);
    if (!stored) return problem("sessions: the record of {}... is damaged", id);
    const auto& [session, filed] = *stored;
    ++counter_of(counted_[encoding::tenant_prefix(session.tenant)], session.identity);
    if (filed > session.expires_at) {
      problem("sessions: {}... is filed under a time after its end", id);
    }
    if (!has(tables_.expiry, expiry_key(filed, FiledKind::session, key))) {
      problem("expiry: the entry of {}... is missing", id);
    }
    for (const auto& [attribute, state] : index_states_) {
      if (state != IndexState::complete) continue;
      const std::string& text = value_of(session.identity, attribute);
      if (!text.empty() &&
          !has(tables_.index, encoding::index_key(session.tenant, attribute, text, session.id))) {
        problem("index: an entry of {}... is missing", id);
      }
    }
  }

  void see_index(std::string_view key) {
    ++report_.index;
    const auto entry = encoding::parsed_index_key(key);
    if (!entry) return problem("index: an entry whose key is none");
    if (index_states_[entry->attribute] == IndexState::absent) {
      return problem("index: an entry of {}, which is not indexed",
                     encoding::name_of(entry->attribute));
    }
    const encoding::SessionKeyBytes session(entry->session.tenant, entry->session.id);
    const auto stored = stored_under(session.view());
    if (!stored || value_of(stored->session.identity, entry->attribute) != entry->value) {
      problem("index: an entry of {}... that its session does not have",
              entry->session.id.masked());
    }
  }

  void see_expiry(std::string_view key) {
    ++report_.expiry;
    const auto entry = parsed_expiry_key(key);
    if (!entry) return problem("expiry: an entry whose key is none");
    if (entry->kind == FiledKind::session) {
      const auto session = encoding::parsed_session_key(entry->filed_key);
      if (!session) return problem("expiry: an entry whose key is none");
      const auto stored = stored_under(entry->filed_key);
      if (!stored || stored->filed != entry->filed) {
        problem("expiry: an entry of {}... that its session does not have", session->id.masked());
      }
      return;
    }
    const auto value = find(view_, tables_.idempotency, entry->filed_key);
    const auto stored = value && *value ? encoding::decoded_entry(entry->filed_key, **value)
                                        : std::unexpected(encoding::RecordFault::damaged);
    if (!stored || stored->keep_until != entry->filed) {
      problem("expiry: an entry of an idempotency key that is not stored so");
    }
  }

  void see_counts(std::string_view key, std::string_view value) {
    ++report_.counts;
    const auto counts = decoded_counts(value);
    const auto counted = counted_.extract(std::string(key));
    const domain::Counts right = counted ? counted.mapped() : domain::Counts{};
    if (!counts || *counts == domain::Counts{} || *counts != right) {
      problem("counts: a tenant with {} named and {} anonymous sessions has another entry",
              right.named, right.anonymous);
    }
  }

  void see_event(std::string_view key, std::string_view value) {
    ++report_.events;
    const auto parsed = parsed_event_key(key);
    if (!parsed) return problem("events: an entry whose key is none");
    const auto body = encoding::open_event(key, value);
    if (!body || !encoding::decoded_event(*body, parsed->tenant)) {
      return problem("events: the event {} is damaged", parsed->number);
    }
    if (parsed->number == 0 || parsed->number >= next_event_.value_or(UINT64_MAX)) {
      problem("events: the event {} has a number that was not given", parsed->number);
    }
  }

  void see_log(std::string_view key) {
    ++report_.logs;
    std::string_view rest = key;
    if (!encoding::take_tenant(rest) || !rest.empty()) {
      return problem("logs: an entry whose key is none");
    }
    const auto mark = mark_of(view_, tables_, key);
    if (!mark || !*mark) problem("logs: a mark is damaged");
  }

  void see_key(std::string_view key, std::string_view value) {
    ++report_.idempotency;
    if (!encoding::parsed_idempotency_key(key))
      return problem("idempotency: an entry whose key is none");
    const auto entry = encoding::decoded_entry(key, value);
    if (!entry) return problem("idempotency: an entry is damaged");
    if (!has(tables_.expiry, expiry_key(entry->keep_until, FiledKind::idempotency, key))) {
      problem("expiry: the entry of an idempotency key of {}... is missing",
              entry->session.masked());
    }
  }

  MDB_txn* view_;
  const Tables& tables_;
  CheckReport report_;
  std::map<domain::IdentityAttribute, IndexState> index_states_;
  std::optional<uint64_t> next_event_;  // in format 1
  std::map<std::string, domain::Counts>
      counted_;  // by key in `counts`; what `counts` has is taken out
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

Result<CheckReport> check_alone(const std::filesystem::path& path) {
  const auto environment = Environment::open_to_read(path, true);
  if (!environment) return std::unexpected(environment.error());
  return check(**environment);
}

Result<CheckReport> check(LmdbEngine& engine) { return check(*engine.impl().environment); }

}  // namespace sojourn::lmdb
