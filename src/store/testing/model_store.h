// The obviously right store: a map behind a mutex. The real ones are compared with it, and tests of
// higher floors use it where any store will do. Nothing survives the process.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "store/session_store.h"

namespace sojourn::store::testing {

// The sessions of all tenants. Any thread may call.
class ModelDatabase {
 public:
  using Key = std::pair<domain::TenantId, domain::SessionId>;

  std::optional<domain::Session> get(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(key);
    if (found == sessions_.end()) return std::nullopt;
    return found->second;
  }

  CommitOutcome commit(const domain::Change& change) {
    const domain::Session& subject = change.before ? *change.before : change.after.value();
    const Key key{subject.tenant, subject.id};
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(key);
    const bool same = change.before ? found != sessions_.end() && found->second == *change.before
                                    : found == sessions_.end();
    if (!same) return CommitOutcome::conflict;
    if (change.after) {
      sessions_.insert_or_assign(key, *change.after);
    } else {
      sessions_.erase(found);
    }
    return CommitOutcome::committed;
  }

 private:
  mutable std::mutex mutex_;
  std::map<Key, domain::Session> sessions_;
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

 private:
  ModelDatabase& database_;
};

}  // namespace sojourn::store::testing
