#include "queries.h"

#include <algorithm>

#include "encoding/event_record.h"
#include "encoding/session_body.h"
#include "environment.h"
#include "event_logs.h"
#include "record.h"
#include "table_cursor.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::SessionPage;

constexpr std::string_view kSessions = "sessions";
constexpr std::string_view kIndex = "index";
constexpr std::string_view kExpiry = "expiry";
constexpr std::string_view kCounts = "counts";
constexpr std::string_view kEvents = "events";
constexpr std::string_view kLogs = "logs";
constexpr std::string_view kIdempotency = "idempotency";

std::unexpected<ReadFault> fault(int error, std::string_view table) {
  return std::unexpected(ReadFault{error, table});
}
std::unexpected<ReadFault> damaged(std::string_view table, std::string masked_id = {}) {
  return std::unexpected(ReadFault{0, table, std::move(masked_id)});
}

// The end of a walk is no error.
int unless_end(int error) { return error == MDB_NOTFOUND ? 0 : error; }

// Where a walk from the newest id down begins: every key of `prefix` that is wanted is before it.
std::string upper_end(std::string prefix, const std::optional<domain::SessionId>& below) {
  if (below) {
    prefix.append(reinterpret_cast<const char*>(below->bytes().data()), domain::SessionId::kBytes);
  } else {
    prefix.append(domain::SessionId::kBytes + 1, '\xFF');
  }
  return prefix;
}

}  // namespace

std::optional<StoredSession> stored_session(std::string_view key, std::string_view value) {
  const auto parsed = encoding::parsed_session_key(key);
  const auto opened = open_record(key, value);
  if (!parsed || !opened) return std::nullopt;
  auto session = encoding::decoded_body(opened->body, parsed->tenant, parsed->id);
  if (!session) return std::nullopt;
  return StoredSession{*std::move(session), opened->filed};
}

Read<std::optional<Session>> Queries::session(const domain::TenantId& tenant,
                                              const domain::SessionId& id) {
  const encoding::SessionKeyBytes key(tenant, id);
  const auto value = find(view_, tables_.sessions, key.view());
  if (!value) return std::unexpected(ReadFault{value.error(), kSessions, id.masked()});
  if (!*value) return std::nullopt;
  const auto opened = open_record(key.view(), **value);
  if (!opened) return damaged(kSessions, id.masked());
  auto session = encoding::decoded_body(opened->body, tenant, id);
  if (!session) return damaged(kSessions, id.masked());
  return *std::move(session);
}

Read<SessionPage> Queries::page(const store::Query& query) {
  return query.where ? page_of_value(query) : page_of_tenant(query);
}

Read<SessionPage> Queries::page_of_tenant(const store::Query& query) {
  const std::string prefix = encoding::tenant_prefix(query.tenant);
  SessionPage page;
  store::PageBudget budget(query.limit, query.bytes);
  TableCursor at(view_, tables_.sessions);
  int error = at.seek_before(upper_end(prefix, query.below));
  for (; !error && at.key().starts_with(prefix); error = at.previous()) {
    if (budget.spent()) {
      page.more = true;
      break;
    }
    auto stored = stored_session(at.key(), at.value());
    if (!stored) {
      const auto key = encoding::parsed_session_key(at.key());
      return damaged(kSessions, key ? key->id.masked() : std::string());
    }
    budget.take(stored->session);
    page.sessions.push_back(std::move(stored->session));
  }
  if (unless_end(error)) return fault(error, kSessions);
  return page;
}

Read<SessionPage> Queries::page_of_value(const store::Query& query) {
  const auto& [attribute, value] = *query.where;
  SessionPage page;
  if (value.empty() || value.size() > domain::Identity::kMaxBytes) return page;  // nobody has it
  const std::string prefix = encoding::index_prefix(query.tenant, attribute, value);
  store::PageBudget budget(query.limit, query.bytes);
  TableCursor at(view_, tables_.index);
  int error = at.seek_before(upper_end(prefix, query.below));
  for (; !error && at.key().starts_with(prefix); error = at.previous()) {
    if (budget.spent()) {
      page.more = true;
      break;
    }
    const auto entry = encoding::parsed_index_key(at.key());
    if (!entry) return damaged(kIndex);
    auto found = session(query.tenant, entry->session.id);
    if (!found) return std::unexpected(found.error());
    if (!*found || value_of((*found)->identity, attribute) != value) {
      return damaged(kIndex, entry->session.id.masked());
    }
    budget.take(**found);
    page.sessions.push_back(**std::move(found));
  }
  if (unless_end(error)) return fault(error, kIndex);
  return page;
}

Read<domain::Counts> Queries::counts(const domain::TenantId& tenant) {
  const auto value = find(view_, tables_.counts, encoding::tenant_prefix(tenant));
  if (!value) return fault(value.error(), kCounts);
  if (!*value) return domain::Counts{};
  const auto counts = decoded_counts(**value);
  if (!counts) return damaged(kCounts);
  return *counts;
}

Read<store::TenantCounts> Queries::counts_by_tenant(size_t limit) {
  store::TenantCounts all;
  TableCursor at(view_, tables_.counts);
  int error = at.first();
  for (; !error; error = at.next()) {
    std::string_view key = at.key();
    auto tenant = encoding::take_tenant(key);
    const auto counts = decoded_counts(at.value());
    if (!tenant || !key.empty() || !counts) return damaged(kCounts);
    if (all.tenants.size() < limit) {
      all.tenants.push_back({*std::move(tenant), *counts});
    } else {
      all.others.named += counts->named;
      all.others.anonymous += counts->anonymous;
    }
  }
  if (unless_end(error)) return fault(error, kCounts);
  return all;
}

Read<std::vector<store::Due>> Queries::due(Time now, size_t limit) {
  std::vector<store::Due> all;
  TableCursor at(view_, tables_.expiry);
  int error = at.first();
  for (; !error && all.size() < limit; error = at.next()) {
    const auto entry = parsed_expiry_key(at.key());
    if (!entry) return damaged(kExpiry);
    if (entry->filed > now) break;
    if (entry->kind == FiledKind::session) {
      auto key = encoding::parsed_session_key(entry->filed_key);
      if (!key) return damaged(kExpiry);
      all.push_back({entry->filed, std::move(key->tenant), key->id});
    } else {
      auto key = encoding::parsed_idempotency_key(entry->filed_key);
      if (!key) return damaged(kExpiry);
      all.push_back({entry->filed, std::move(key->tenant), std::string(key->key)});
    }
  }
  if (unless_end(error)) return fault(error, kExpiry);
  return all;
}

Read<std::optional<domain::IdempotencyEntry>> Queries::idempotency_entry(
    const domain::TenantId& tenant, const std::string& key) {
  if (key.empty() || key.size() > domain::kMaxFiledKeyBytes) return std::nullopt;
  const std::string key_bytes = encoding::idempotency_key(tenant, key);
  const auto value = find(view_, tables_.idempotency, key_bytes);
  if (!value) return fault(value.error(), kIdempotency);
  if (!*value) return std::nullopt;
  const auto entry = encoding::decoded_entry(key_bytes, **value);
  if (!entry) return damaged(kIdempotency);
  return *entry;
}

Read<uint64_t> Queries::mark(const std::string& tenant) {
  const auto mark = mark_of(view_, tables_, tenant);
  if (!mark) return fault(mark.error(), kLogs);
  if (!*mark) return damaged(kLogs);
  return **mark;
}

Read<domain::EventPage> Queries::events(const store::EventQuery& query) {
  const std::string tenant = encoding::tenant_prefix(query.tenant);
  const auto log_mark = mark(tenant);
  if (!log_mark) return std::unexpected(log_mark.error());
  domain::EventPage page{.events = {}, .from = *log_mark};
  if (query.after && *query.after > *log_mark) {
    const auto last = last_event_up_to(view_, tables_, tenant, *query.after);
    if (!last) return fault(last.error(), kEvents);
    page.from = std::max(*last, *log_mark);
  }
  page.gap = query.after && page.from != *query.after;
  if (page.from == UINT64_MAX) return page;

  store::PageBudget budget(query.limit, query.bytes);
  TableCursor at(view_, tables_.events);
  int error = at.seek(event_key(tenant, page.from + 1));
  for (; !error && !budget.spent() && at.key().starts_with(tenant); error = at.next()) {
    const auto key = parsed_event_key(at.key());
    if (!key) return damaged(kEvents);
    const auto body = encoding::open_event(at.key(), at.value());
    if (!body) return damaged(kEvents);
    auto event = encoding::decoded_event(*body, query.tenant);
    if (!event) return damaged(kEvents);
    budget.take(*event);
    page.events.push_back({key->number, *std::move(event)});
  }
  if (unless_end(error)) return fault(error, kEvents);
  return page;
}

Read<Queries::Trimmable> Queries::events_before(Time time, size_t limit) {
  Trimmable found;
  TableCursor at(view_, tables_.events);
  int error = at.first();
  while (!error && found.events.size() < limit) {
    const auto first = parsed_event_key(at.key());
    if (!first) {
      error = at.next();
      continue;
    }
    const std::string tenant = encoding::tenant_prefix(first->tenant);
    const auto log_mark = mark_of(view_, tables_, tenant);
    if (!log_mark) return fault(log_mark.error(), kLogs);
    std::vector<std::string> undated;
    for (; !error && at.key().starts_with(tenant); error = at.next()) {
      const auto key = parsed_event_key(at.key());
      const bool cut_off = key && key->number <= log_mark->value_or(0);
      const auto body = encoding::open_event(at.key(), at.value());
      const auto event_time = body ? encoding::time_of_event(*body) : std::nullopt;
      if (!cut_off && !event_time) {
        undated.emplace_back(at.key());
        continue;
      }
      if (!cut_off && *event_time >= time) {
        found.oldest_kept = std::min(found.oldest_kept.value_or(*event_time), *event_time);
        break;
      }
      undated.emplace_back(at.key());
      const size_t taken = std::min(undated.size(), limit - found.events.size());
      found.events.insert(found.events.end(), undated.begin(),
                          undated.begin() + static_cast<ptrdiff_t>(taken));
      undated.clear();
      if (found.events.size() == limit) break;
    }
    // To the next tenant, whose keys are after all of this one.
    if (!error && at.key().starts_with(tenant)) error = at.seek(after_all_events(tenant));
  }
  if (unless_end(error)) return fault(error, kEvents);
  return found;
}

Read<std::vector<std::pair<std::string, uint64_t>>> Queries::marks_before(Time time, size_t limit) {
  std::vector<std::pair<std::string, uint64_t>> found;
  const uint64_t bound = event_number_of(time);
  TableCursor at(view_, *tables_.logs);
  int error = at.first();
  for (; !error && found.size() < limit; error = at.next()) {
    const std::string tenant(at.key());
    const auto log_mark = mark_of(view_, tables_, tenant);
    if (!log_mark) return fault(log_mark.error(), kLogs);
    if (!*log_mark || **log_mark < kLeastNumberOfTime || **log_mark >= bound) continue;
    const auto event = last_event_up_to(view_, tables_, tenant, UINT64_MAX);
    if (!event) return fault(event.error(), kEvents);
    if (*event == 0) found.emplace_back(tenant, **log_mark);
  }
  if (unless_end(error)) return fault(error, kLogs);
  return found;
}

}  // namespace sojourn::lmdb
