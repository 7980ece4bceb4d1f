#include "check.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <algorithm>
#include <map>

#include "encoding/bytes.h"
#include "encoding/event_record.h"
#include "engine.h"
#include "event_logs.h"
#include "index_builder.h"
#include "page_audit.h"
#include "queries.h"

namespace sojourn::lmdb {
namespace {

constexpr size_t kProblemsShown = 100;

// Looks at every page first, then compares the tables inside one view. Entries of `sessions` are
// the truth: each must have its entries elsewhere, and each entry elsewhere its session.
class Checker {
 public:
  Checker(const View& view, const Pages& pages, const CheckProgress& progress)
      : view_(view),
        pages_(pages),
        progress_(progress),
        has_logs_(format_of(view) != std::optional<uint32_t>(1)) {}

  CheckReport run() {
    PageAudit audit(
        pages_, view_.head(), [this](const std::string& text) { problem("{}", text); },
        [this](std::string_view tree) { begin(tree); });
    audit.run();
    for (size_t i = 0; i < kTableCount; ++i) see_table(static_cast<Table>(i), audit.entries());
    // What is missing from damaged pages would be missed again, once for each entry.
    if (report_.sound()) compare_tables();
    return std::move(report_);
  }

 private:
  // What the pages had of a table.
  void see_table(Table table, const std::map<std::string, uint64_t>& entries) {
    const auto seen = entries.find(std::string(name_of(table)));
    if (seen == entries.end() && (table != Table::logs || has_logs_)) {
      problem("{}: the table is missing", name_of(table));
    }
    if (table == Table::meta) return;
    report_.tables.emplace_back(name_of(table), seen == entries.end() ? 0 : seen->second);
  }

  void compare_tables() {
    read_meta();
    each(Table::sessions, [this](auto key, auto value) { see_session(key, value); });
    each(Table::index, [this](auto key, auto) { see_index(key); });
    each(Table::expiry, [this](auto key, auto) { see_expiry(key); });
    each(Table::counts, [this](auto key, auto value) { see_counts(key, value); });
    each(Table::events, [this](auto key, auto value) { see_event(key, value); });
    if (has_logs_) each(Table::logs, [this](auto key, auto value) { see_log(key, value); });
    each(Table::idempotency, [this](auto key, auto value) { see_key(key, value); });
    for (const auto& [key, counts] : counted_) {
      problem("counts: a tenant with {} sessions has no entry", counts.named + counts.anonymous);
    }
  }

  // What `meta` says of the other tables.
  void read_meta() {
    for (const domain::IdentityAttribute attribute : encoding::kAttributes) {
      index_states_[attribute] = index_state(view_, attribute).value_or(IndexState::absent);
    }
    if (has_logs_) return;
    const auto next = value_under(Table::meta, kNextEvent);
    if (next && next->size() == sizeof(uint64_t)) {
      next_event_ = encoding::number_at<uint64_t>(next->data());
    } else {
      problem("meta: the number of the next event is missing");
    }
  }

  // Calls visit(key, value) for each entry in order.
  template <class Visit>
  void each(Table table, Visit visit) {
    begin(name_of(table));
    PageWalk at = view_.walk(table);
    int moved = at.first();
    for (; !moved; moved = at.next()) visit(at.key(), at.value());
    if (moved == MDB_CORRUPTED) {
      problem("{}: page {} {}", name_of(table), at.fault().page, at.fault().what);
    }
  }

  void begin(std::string_view table) {
    if (progress_) progress_(table);
  }

  template <class... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    ++report_.problem_count;
    if (report_.problems.size() < kProblemsShown) {
      report_.problems.push_back(fmt::format(format, std::forward<Args>(args)...));
    }
  }

  std::optional<std::string_view> value_under(Table table, std::string_view key) {
    const auto found = view_.find(table, key);
    return found ? *found : std::nullopt;
  }
  bool has(Table table, std::string_view key) { return value_under(table, key).has_value(); }

  // The session under a key; nothing when there is none that can be read.
  std::optional<StoredSession> session_under(std::string_view key) {
    const auto value = value_under(Table::sessions, key);
    return value ? stored_session(key, *value) : std::nullopt;
  }

  void see_session(std::string_view key, std::string_view value) {
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
    if (!has(Table::expiry, expiry_key(filed, FiledKind::session, key))) {
      problem("expiry: the entry of {}... is missing", id);
    }
    for (const auto& [attribute, state] : index_states_) {
      if (state != IndexState::complete) continue;
      const std::string& text = value_of(session.identity, attribute);
      if (!text.empty() &&
          !has(Table::index, encoding::index_key(session.tenant, attribute, text, session.id))) {
        problem("index: an entry of {}... is missing", id);
      }
    }
  }

  void see_index(std::string_view key) {
    const auto entry = encoding::parsed_index_key(key);
    if (!entry) return problem("index: an entry whose key is none");
    if (index_states_[entry->attribute] == IndexState::absent) {
      return problem("index: an entry of {}, which is not indexed",
                     encoding::name_of(entry->attribute));
    }
    const encoding::SessionKeyBytes session(entry->session.tenant, entry->session.id);
    const auto stored = session_under(session.view());
    if (!stored || value_of(stored->session.identity, entry->attribute) != entry->value) {
      problem("index: an entry of {}... that its session does not have",
              entry->session.id.masked());
    }
  }

  void see_expiry(std::string_view key) {
    const auto entry = parsed_expiry_key(key);
    if (!entry) return problem("expiry: an entry whose key is none");
    if (entry->kind == FiledKind::session) {
      const auto session = encoding::parsed_session_key(entry->filed_key);
      if (!session) return problem("expiry: an entry whose key is none");
      const auto stored = session_under(entry->filed_key);
      if (!stored || stored->filed != entry->filed) {
        problem("expiry: an entry of {}... that its session does not have", session->id.masked());
      }
      return;
    }
    const auto value = value_under(Table::idempotency, entry->filed_key);
    const auto kept = value ? encoding::decoded_entry(entry->filed_key, *value)
                            : std::unexpected(encoding::RecordFault::damaged);
    if (!kept || kept->keep_until != entry->filed) {
      problem("expiry: an entry of an idempotency key that is not stored so");
    }
  }

  void see_counts(std::string_view key, std::string_view value) {
    const auto counts = decoded_counts(value);
    const auto counted = counted_.extract(std::string(key));
    const domain::Counts right = counted ? counted.mapped() : domain::Counts{};
    if (!counts || *counts == domain::Counts{} || *counts != right) {
      problem("counts: a tenant with {} named and {} anonymous sessions has another entry",
              right.named, right.anonymous);
    }
  }

  void see_event(std::string_view key, std::string_view value) {
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

  void see_log(std::string_view key, std::string_view value) {
    std::string_view rest = key;
    if (!encoding::take_tenant(rest) || !rest.empty()) {
      return problem("logs: an entry whose key is none");
    }
    if (!decoded_mark(key, value)) problem("logs: a mark is damaged");
  }

  void see_key(std::string_view key, std::string_view value) {
    if (!encoding::parsed_idempotency_key(key))
      return problem("idempotency: an entry whose key is none");
    const auto entry = encoding::decoded_entry(key, value);
    if (!entry) return problem("idempotency: an entry is damaged");
    if (!has(Table::expiry, expiry_key(entry->keep_until, FiledKind::idempotency, key))) {
      problem("expiry: the entry of an idempotency key of {}... is missing",
              entry->session.masked());
    }
  }

  const View& view_;
  const Pages pages_;
  const CheckProgress& progress_;
  const bool has_logs_;  // format 1 had none
  CheckReport report_;
  std::map<domain::IdentityAttribute, IndexState> index_states_;
  std::optional<uint64_t> next_event_;  // in format 1
  std::map<std::string, domain::Counts>
      counted_;  // by key in `counts`; what `counts` has is taken out
};

Result<CheckReport> check(const Environment& environment, const CheckProgress& progress) {
  ReadTransaction transaction(environment);
  if (const int error = transaction.renew()) {
    return failure(ErrorKind::store_unavailable,
                   fmt::format("The store cannot be read: {}.", mdb_strerror(error)));
  }
  const View& view = transaction.view();
  return Checker(view, environment.pages_of_file(view.head()), progress).run();
}

}  // namespace

uint64_t CheckReport::entries(std::string_view table) const {
  const auto found = std::ranges::find(tables, table, [](const auto& one) { return one.first; });
  return found == tables.end() ? 0 : found->second;
}

Result<CheckReport> check(const std::filesystem::path& path, const CheckProgress& progress) {
  const auto environment = Environment::open_to_read(path);
  if (!environment) return std::unexpected(environment.error());
  return check(**environment, progress);
}

Result<CheckReport> check_alone(const std::filesystem::path& path) {
  const auto environment = Environment::open_to_read(path, true);
  if (!environment) return std::unexpected(environment.error());
  return check(**environment, {});
}

Result<CheckReport> check(LmdbEngine& engine) { return check(*engine.impl().environment, {}); }

}  // namespace sojourn::lmdb
