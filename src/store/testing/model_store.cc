#include "testing/model_store.h"

#include <algorithm>
#include <tuple>

namespace sojourn::store::testing {

namespace {

// From one number to the next: as with other stores, there are numbers that are no event's.
constexpr uint64_t kStep = 10;

}  // namespace

std::optional<domain::Session> ModelDatabase::get(const SessionKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return std::nullopt;
  return found->second.session;
}

CommitOutcome ModelDatabase::commit(const domain::Change& change) {
  const std::lock_guard lock(mutex_);

  // Is what is stored what the change was decided on?
  const domain::Session* subject = change.before  ? &*change.before
                                   : change.after ? &*change.after
                                                  : nullptr;
  auto session = sessions_.end();
  if (subject) {
    session = sessions_.find({subject->tenant, subject->id});
    const bool same = change.before
                          ? session != sessions_.end() && session->second.session == *change.before
                          : session == sessions_.end();
    if (!same) return CommitOutcome::conflict;
  }
  if (const auto& key = change.idempotency) {
    const auto entry = idempotency_.find({key->tenant, key->key});
    const bool same = key->before ? entry != idempotency_.end() && entry->second == *key->before
                                  : entry == idempotency_.end();
    if (!same) return CommitOutcome::conflict;
  }

  if (change.after) {
    const bool refile = !change.before || change.expiry == domain::Change::Expiry::refile;
    Time filed_at = change.after->expires_at;
    if (!refile) filed_at = std::min(filed_at, session->second.filed_at);  // never too late
    sessions_.insert_or_assign({subject->tenant, subject->id},
                               StoredSession{*change.after, filed_at});
  } else if (subject) {
    sessions_.erase(session);
  }
  if (const auto& key = change.idempotency) {
    if (key->after) {
      idempotency_.insert_or_assign({key->tenant, key->key}, *key->after);
    } else {
      idempotency_.erase({key->tenant, key->key});
    }
  }
  if (change.event) {
    Log& log = logs_[change.event->tenant];
    log.last += kStep;
    if (change.logging == domain::Change::Logging::on) {
      log.events.push_back({log.last, *change.event});
    } else {
      log.events.clear();
      log.mark = log.last;
    }
  }
  return CommitOutcome::committed;
}

SessionPage ModelDatabase::find(const Query& query) const {
  const std::lock_guard lock(mutex_);
  SessionPage page;
  PageBudget budget(query.limit, query.bytes);
  for (auto it = sessions_.rbegin(); it != sessions_.rend(); ++it) {
    const domain::Session& session = it->second.session;
    if (session.tenant != query.tenant) continue;
    if (query.below && !(session.id < *query.below)) continue;
    if (query.where && (query.where->value.empty() ||
                        value_of(session.identity, query.where->attribute) != query.where->value)) {
      continue;
    }
    if (budget.spent()) {
      page.more = true;
      break;
    }
    budget.take(session);
    page.sessions.push_back(session);
  }
  return page;
}

domain::Counts ModelDatabase::count(const domain::TenantId& tenant) const {
  const std::lock_guard lock(mutex_);
  domain::Counts counts;
  for (const auto& [key, stored] : sessions_) {
    if (key.first != tenant) continue;
    ++(stored.session.identity.anonymous() ? counts.anonymous : counts.named);
  }
  return counts;
}

std::vector<Due> ModelDatabase::due(Time now, size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Due> all;
  for (const auto& [key, stored] : sessions_) {
    if (stored.filed_at <= now) all.push_back({stored.filed_at, key.first, key.second});
  }
  for (const auto& [key, entry] : idempotency_) {
    if (entry.keep_until <= now) all.push_back({entry.keep_until, key.first, key.second});
  }
  std::ranges::sort(all, {},
                    [](const Due& due) { return std::tie(due.filed_at, due.tenant, due.what); });
  if (all.size() > limit) all.erase(all.begin() + static_cast<ptrdiff_t>(limit), all.end());
  return all;
}

std::optional<domain::IdempotencyEntry> ModelDatabase::idempotency_entry(
    const IdempotencyKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = idempotency_.find(key);
  if (found == idempotency_.end()) return std::nullopt;
  return found->second;
}

domain::EventPage ModelDatabase::events(const EventQuery& query) const {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(query.tenant);
  const Log log = found == logs_.end() ? Log() : found->second;
  domain::EventPage page{.events = {}, .from = log.mark};
  if (query.after) {
    for (const domain::LoggedEvent& event : log.events) {
      if (event.number <= *query.after) page.from = event.number;
    }
    page.gap = page.from != *query.after;
  }
  PageBudget budget(query.limit, query.bytes);
  for (const domain::LoggedEvent& event : log.events) {
    if (event.number <= page.from) continue;
    if (budget.spent()) break;
    budget.take(event.event);
    page.events.push_back(event);
  }
  return page;
}

size_t ModelDatabase::trim_events(Time time, size_t limit) {
  const std::lock_guard lock(mutex_);
  size_t count = 0;
  for (auto& [tenant, log] : logs_) {
    auto kept = log.events.begin();
    for (; kept != log.events.end() && kept->event.time < time && count < limit; ++kept) {
      log.mark = kept->number;
      ++count;
    }
    log.events.erase(log.events.begin(), kept);
  }
  return count;
}

}  // namespace sojourn::store::testing
