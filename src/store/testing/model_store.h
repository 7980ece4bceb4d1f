// The obviously right store: maps behind a mutex. The real ones are compared with it, and tests of
// higher floors use it where any store will do. Nothing survives the process.
#pragma once

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "store/session_store.h"

namespace sojourn::store::testing {

// The data of all tenants. Any thread may call; what a call means is said at SessionStore.
class ModelDatabase {
 public:
  using SessionKey = std::pair<domain::TenantId, domain::SessionId>;
  using IdempotencyKey = std::pair<domain::TenantId, std::string>;

  std::optional<domain::Session> get(const SessionKey& key) const;
  CommitOutcome commit(const domain::Change& change);
  SessionPage find(const Query& query) const;
  domain::Counts count(const domain::TenantId& tenant) const;
  std::vector<Due> due(Time now, size_t limit) const;
  std::optional<domain::IdempotencyEntry> idempotency_entry(const IdempotencyKey& key) const;
  domain::EventPage events(const EventQuery& query) const;
  size_t trim_events(Time time, size_t limit);

 private:
  struct StoredSession {
    domain::Session session;
    Time filed_at;
  };

  struct Log {
    uint64_t mark = 0;
    uint64_t last = 0;  // the last number given
    std::vector<domain::LoggedEvent> events;
  };

  mutable std::mutex mutex_;
  std::map<SessionKey, StoredSession> sessions_;
  std::map<IdempotencyKey, domain::IdempotencyEntry> idempotency_;
  std::map<domain::TenantId, Log> logs_;
};

// Answers every call at once. The database must outlive it.
class ModelStore final : public SessionStore {
 public:
  explicit ModelStore(ModelDatabase& database) : database_(database) {}

  Task<Result<std::optional<domain::Session>>> get(const domain::TenantId& tenant,
                                                   const domain::SessionId& id) override {
    return Result<std::optional<domain::Session>>(database_.get({tenant, id}));
  }
  Task<Result<CommitOutcome>> commit(const domain::Change& change) override {
    return Result<CommitOutcome>(database_.commit(change));
  }
  Task<Result<SessionPage>> find(const Query& query) override {
    return Result<SessionPage>(database_.find(query));
  }
  Task<Result<domain::Counts>> count(const domain::TenantId& tenant) override {
    return Result<domain::Counts>(database_.count(tenant));
  }
  Task<Result<std::vector<Due>>> due(Time now, size_t limit) override {
    return Result<std::vector<Due>>(database_.due(now, limit));
  }
  Task<Result<std::optional<domain::IdempotencyEntry>>> idempotency_entry(
      const domain::TenantId& tenant, const std::string& key) override {
    return Result<std::optional<domain::IdempotencyEntry>>(
        database_.idempotency_entry({tenant, key}));
  }
  Task<Result<domain::EventPage>> events(const EventQuery& query) override {
    return Result<domain::EventPage>(database_.events(query));
  }
  Task<Result<size_t>> trim_events(Time time, size_t limit) override {
    return Result<size_t>(database_.trim_events(time, limit));
  }

 private:
  ModelDatabase& database_;
};

}  // namespace sojourn::store::testing
