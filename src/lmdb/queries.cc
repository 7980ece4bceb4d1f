#include "queries.h"

#include <lmdb.h>

#include <algorithm>

#include "encoding/event_record.h"
#include "encoding/session_body.h"
#include "event_logs.h"
#include "record.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::SessionPage;

// What damage a walk met; nothing when it came to its end.
std::optional<ReadFault> fault_of(Table table, int moved, const PageWalk& walk) {
  if (moved != MDB_CORRUPTED) return std::nullopt;
  return ReadFault{.table = name_of(table), .page = walk.fault()};
}

std::unexpected<ReadFault> damaged_page(Table table, const PageFault& page) {
  return std::unexpected(ReadFault{.table = name_of(table), .page = page});
}

std::unexpected<ReadFault> damaged(Table table, std::string masked_id = {}) {
  return std::unexpected(ReadFault{.table = name_of(table), .masked_id = std::move(masked_id)});
}

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
  auto value = find(Table::sessions, key.view());
  if (!value) {
    value.error().masked_id = id.masked();
    return std::unexpected(std::move(value.error()));
  }
  if (!*value) return std::nullopt;
  const auto opened = open_record(key.view(), **value);
  if (!opened) return damaged(Table::sessions, id.masked());
  auto session = encoding::decoded_body(opened->body, tenant, id);
  if (!session) return damaged(Table::sessions, id.masked());
  return *std::move(session);
}

Read<SessionPage> Queries::page(const store::Query& query) {
  return query.where ? page_of_value(query) : page_of_tenant(query);
}

Read<SessionPage> Queries::page_of_tenant(const store::Query& query) {
  const std::string prefix = encoding::tenant_prefix(query.tenant);
  SessionPage page;
  store::PageBudget budget(query.limit, query.bytes);
  PageWalk at = view_.walk(Table::sessions);
  int moved = at.seek(upper_end(prefix, query.below));
  if (auto fault = fault_at(Table::sessions, moved, at)) return std::unexpected(*fault);
  moved = at.previous();
  for (; !moved && at.key().starts_with(prefix); moved = at.previous()) {
    if (budget.spent()) {
      page.more = true;
      return page;
    }
    auto stored = stored_session(at.key(), at.value());
    if (!stored) {
      const auto key = encoding::parsed_session_key(at.key());
      return damaged(Table::sessions, key ? key->id.masked() : std::string());
    }
    budget.take(stored->session);
    page.sessions.push_back(std::move(stored->session));
  }
  if (auto fault = fault_at(Table::sessions, moved, at)) return std::unexpected(*fault);
  return page;
}

Read<SessionPage> Queries::page_of_value(const store::Query& query) {
  const auto& [attribute, value] = *query.where;
  SessionPage page;
  if (value.empty() || value.size() > domain::Identity::kMaxBytes) return page;  // nobody has it
  const std::string prefix = encoding::index_prefix(query.tenant, attribute, value);
  store::PageBudget budget(query.limit, query.bytes);
  PageWalk at = view_.walk(Table::index);
  int moved = at.seek(upper_end(prefix, query.below));
  if (auto fault = fault_at(Table::index, moved, at)) return std::unexpected(*fault);
  moved = at.previous();
  for (; !moved && at.key().starts_with(prefix); moved = at.previous()) {
    if (budget.spent()) {
      page.more = true;
      return page;
    }
    const auto entry = encoding::parsed_index_key(at.key());
    if (!entry) return damaged(Table::index);
    auto found = session(query.tenant, entry->session.id);
    if (!found) return std::unexpected(found.error());
    if (!*found || value_of((*found)->identity, attribute) != value) {
      return damaged(Table::index, entry->session.id.masked());
    }
    budget.take(**found);
    page.sessions.push_back(**std::move(found));
  }
  if (auto fault = fault_at(Table::index, moved, at)) return std::unexpected(*fault);
  return page;
}

Read<domain::Counts> Queries::counts(const domain::TenantId& tenant) {
  const auto value = find(Table::counts, encoding::tenant_prefix(tenant));
  if (!value) return std::unexpected(value.error());
  if (!*value) return domain::Counts{};
  const auto counts = decoded_counts(**value);
  if (!counts) return damaged(Table::counts);
  return *counts;
}

Read<store::TenantCounts> Queries::counts_by_tenant(size_t limit) {
  store::TenantCounts all;
  PageWalk at = view_.walk(Table::counts);
  int moved = at.first();
  for (; !moved; moved = at.next()) {
    std::string_view key = at.key();
    auto tenant = encoding::take_tenant(key);
    const auto counts = decoded_counts(at.value());
    if (!tenant || !key.empty() || !counts) return damaged(Table::counts);
    if (all.tenants.size() < limit) {
      all.tenants.push_back({*std::move(tenant), *counts});
    } else {
      all.others.named += counts->named;
      all.others.anonymous += counts->anonymous;
    }
  }
  if (auto fault = fault_of(Table::counts, moved, at)) return std::unexpected(*fault);
  return all;
}

Read<std::vector<store::Due>> Queries::due(Time now, size_t limit) {
  std::vector<store::Due> all;
  PageWalk at = view_.walk(Table::expiry);
  int moved = at.first();
  for (; !moved && all.size() < limit; moved = at.next()) {
    const auto entry = parsed_expiry_key(at.key());
    if (!entry) return damaged(Table::expiry);
    if (entry->filed > now) break;
    if (entry->kind == FiledKind::session) {
      auto key = encoding::parsed_session_key(entry->filed_key);
      if (!key) return damaged(Table::expiry);
      all.push_back({entry->filed, std::move(key->tenant), key->id});
    } else {
      auto key = encoding::parsed_idempotency_key(entry->filed_key);
      if (!key) return damaged(Table::expiry);
      all.push_back({entry->filed, std::move(key->tenant), std::string(key->key)});
    }
  }
  if (auto fault = fault_of(Table::expiry, moved, at)) return std::unexpected(*fault);
  return all;
}

Read<std::optional<domain::IdempotencyEntry>> Queries::idempotency_entry(
    const domain::TenantId& tenant, const std::string& key) {
  if (key.empty() || key.size() > domain::kMaxFiledKeyBytes) return std::nullopt;
  const std::string key_bytes = encoding::idempotency_key(tenant, key);
  const auto value = find(Table::idempotency, key_bytes);
  if (!value) return std::unexpected(value.error());
  if (!*value) return std::nullopt;
  const auto entry = encoding::decoded_entry(key_bytes, **value);
  if (!entry) return damaged(Table::idempotency);
  return *entry;
}

// The number up to which a tenant's events are gone.
Read<uint64_t> Queries::mark(const std::string& tenant) {
  const auto value = find(Table::logs, tenant);
  if (!value) return std::unexpected(value.error());
  if (!*value) return 0;
  const auto mark = decoded_mark(tenant, **value);
  if (!mark) return damaged(Table::logs);
  return *mark;
}

Read<domain::EventPage> Queries::events(const store::EventQuery& query) {
  const std::string tenant = encoding::tenant_prefix(query.tenant);
  const auto log_mark = mark(tenant);
  if (!log_mark) return std::unexpected(log_mark.error());
  const uint64_t begin = std::max(query.after.value_or(0), *log_mark);
  PageWalk at = view_.walk(Table::events);
  int moved =
      at.seek(begin == UINT64_MAX ? after_all_events(tenant) : event_key(tenant, begin + 1));
  if (auto fault = fault_of(Table::events, moved, at)) return std::unexpected(*fault);
  // The event of the cursor itself may be damaged: who names it goes on behind it.
  PageWalk before = at;
  const int moved_back = before.previous();
  if (moved_back || before.key() != event_key(tenant, begin)) {
    if (auto fault = fault_at(Table::events, moved_back, before)) return std::unexpected(*fault);
  }
  const bool has_one_before = !moved_back && before.key().starts_with(tenant);
  const auto last = has_one_before ? parsed_event_key(before.key()) : std::nullopt;
  domain::EventPage page{.events = {}, .from = std::max(*log_mark, last ? last->number : 0)};
  page.gap = query.after && page.from != *query.after;

  store::PageBudget budget(query.limit, query.bytes);
  for (; !moved && at.key().starts_with(tenant); moved = at.next()) {
    if (budget.spent()) return page;
    const auto key = parsed_event_key(at.key());
    if (!key) return damaged(Table::events);
    const auto body = encoding::open_event(at.key(), at.value());
    if (!body) return damaged(Table::events);
    auto event = encoding::decoded_event(*body, query.tenant);
    if (!event) return damaged(Table::events);
    budget.take(*event);
    page.events.push_back({key->number, *std::move(event)});
  }
  if (auto fault = fault_at(Table::events, moved, at)) return std::unexpected(*fault);
  return page;
}

Read<Queries::Trimmable> Queries::events_before(Time time, size_t limit) {
  Trimmable found;
  PageWalk at = view_.walk(Table::events);
  int moved = at.first();
  while (!moved && found.events.size() < limit) {
    const auto first = parsed_event_key(at.key());
    if (!first) {
      moved = at.next();
      continue;
    }
    const std::string tenant = encoding::tenant_prefix(first->tenant);
    const auto log = view_.find(Table::logs, tenant);
    if (!log) return damaged_page(Table::logs, log.error());
    const auto log_mark = *log ? decoded_mark(tenant, **log) : std::nullopt;
    std::vector<std::string> undated;
    for (; !moved && at.key().starts_with(tenant); moved = at.next()) {
      const auto key = parsed_event_key(at.key());
      const bool cut_off = key && key->number <= log_mark.value_or(0);
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
    if (!moved && at.key().starts_with(tenant)) moved = at.seek(after_all_events(tenant));
  }
  if (auto fault = fault_of(Table::events, moved, at)) return std::unexpected(*fault);
  return found;
}

Read<std::vector<std::pair<std::string, uint64_t>>> Queries::marks_before(Time time, size_t limit) {
  std::vector<std::pair<std::string, uint64_t>> found;
  const uint64_t bound = event_number_of(time);
  PageWalk at = view_.walk(Table::logs);
  int moved = at.first();
  for (; !moved && found.size() < limit; moved = at.next()) {
    const auto log_mark = decoded_mark(at.key(), at.value());
    if (!log_mark || *log_mark < kLeastNumberOfTime || *log_mark >= bound) continue;
    if (has_no_events(at.key())) found.emplace_back(at.key(), *log_mark);
  }
  if (auto fault = fault_of(Table::logs, moved, at)) return std::unexpected(*fault);
  return found;
}

// False also when that is not proved.
bool Queries::has_no_events(std::string_view tenant) {
  PageWalk at = view_.walk(Table::events);
  const int moved = at.seek(tenant);
  if (fault_at(Table::events, moved, at) || fault_before(Table::events, at)) return false;
  return moved || !at.key().starts_with(tenant);
}

// The value under a key, or nothing, which is proved then.
Read<std::optional<std::string_view>> Queries::find(Table table, std::string_view key) {
  const auto found = view_.find(table, key);
  if (!found) return damaged_page(table, found.error());
  if (*found) return *found;
  PageWalk at = view_.walk(table);
  const int moved = at.seek(key);
  if (auto fault = fault_at(table, moved, at)) return std::unexpected(*fault);
  if (!moved && at.key() == key) return damaged(table);  // a page led astray
  if (auto fault = fault_before(table, at)) return std::unexpected(*fault);
  return std::nullopt;
}

// What is wrong with the entry before a place, which may have been one behind it.
std::optional<ReadFault> Queries::fault_before(Table table, PageWalk at) {
  const int moved = at.previous();
  return fault_at(table, moved, at);
}

// What is wrong with the entry that a walk came to, which may have been one before it.
std::optional<ReadFault> Queries::fault_at(Table table, int moved, const PageWalk& at) {
  if (moved == MDB_NOTFOUND) return std::nullopt;
  if (moved) return fault_of(table, moved, at);
  if (is_sound(table, at.key(), at.value())) return std::nullopt;
  return ReadFault{.table = name_of(table)};
}

// Whether an entry has the key that it was given.
bool Queries::is_sound(Table table, std::string_view key, std::string_view value) {
  switch (table) {
    case Table::sessions:
      return open_record(key, value).has_value();
    case Table::events:
      return encoding::open_event(key, value).has_value();
    case Table::idempotency:
      return encoding::decoded_entry(key, value).has_value();
    case Table::logs:
      return decoded_mark(key, value).has_value();
    case Table::index: {
      const auto entry = encoding::parsed_index_key(key);
      if (!entry) return false;
      const encoding::SessionKeyBytes session(entry->session.tenant, entry->session.id);
      const auto record = view_.find(Table::sessions, session.view());
      if (!record || !*record) return false;
      const auto stored = stored_session(session.view(), **record);
      return stored && value_of(stored->session.identity, entry->attribute) == entry->value;
    }
    case Table::expiry:
    case Table::counts:
    case Table::meta:
      break;  // nothing tells
  }
  return true;
}

}  // namespace sojourn::lmdb
