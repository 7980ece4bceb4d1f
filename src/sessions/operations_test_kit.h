// The use cases beside the model store: one thread, a clock that stands still until told to move.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/manual_clock.h"
#include "base/seeded_entropy.h"
#include "limits/limiter.h"
#include "sessions/operations.h"
#include "sessions/quota.h"
#include "store/session_store.h"
#include "testing/model_store.h"

namespace sojourn::sessions {

// The model store behind a door that a test can shut, and with rivals who come first.
class DoorStore final : public store::SessionStore {
 public:
  explicit DoorStore(store::SessionStore& inner) : inner_(inner) {}

  Task<Result<std::optional<domain::Session>>> get(const domain::TenantId& tenant,
                                                   const domain::SessionId& id) override {
    if (get_error) return Result<std::optional<domain::Session>>(std::unexpected(*get_error));
    return inner_.get(tenant, id);
  }
  Task<Result<store::CommitOutcome>> commit(const domain::Change& change) override {
    ++commits;
    if (on_commit) on_commit(change);
    if (rivals > 0 && change.before) {
      --rivals;
      domain::Change rival;
      rival.before = rival.after = change.before;
      if (rivals_touch) {
        rival.after->expires_at += std::chrono::minutes(30);
      } else {
        rival.after->identity.agent_id = "rival" + std::to_string(rivals);
        rival.after->version += 1;
      }
      inner_.commit(rival).take().value();
    }
    if (commit_error) return Result<store::CommitOutcome>(std::unexpected(*commit_error));
    return inner_.commit(change);
  }
  Task<Result<store::SessionPage>> find(const store::Query& query) override {
    return inner_.find(query);
  }
  Task<Result<domain::Counts>> count(const domain::TenantId& tenant) override {
    return inner_.count(tenant);
  }
  Task<Result<std::vector<store::Due>>> due(Time now, size_t limit) override {
    return inner_.due(now, limit);
  }
  Task<Result<std::optional<domain::IdempotencyEntry>>> idempotency_entry(
      const domain::TenantId& tenant, const std::string& key) override {
    return inner_.idempotency_entry(tenant, key);
  }
  Task<Result<domain::EventPage>> events(const store::EventQuery& query) override {
    return inner_.events(query);
  }
  Task<Result<size_t>> trim_events(Time time, size_t limit) override {
    return inner_.trim_events(time, limit);
  }

  std::optional<Error> get_error;
  std::optional<Error> commit_error;
  int rivals = 0;
  bool rivals_touch = false;                             // else they change the agent
  std::function<void(const domain::Change&)> on_commit;  // before anything else is done
  int commits = 0;

 private:
  store::SessionStore& inner_;
};

// Nothing waits in these tests unless one lets it: what is asked for later is kept until run().
class PausedTimer final : public Timer {
 public:
  void after(Duration, std::move_only_function<void()> work) override {
    waiting_.push_back(std::move(work));
  }
  void run() {
    for (auto& work : std::exchange(waiting_, {})) work();
  }
  size_t waiting() const { return waiting_.size(); }

 private:
  std::vector<std::move_only_function<void()>> waiting_;
};

class Operations : public testing::Test {
 protected:
  // The model store answers at once.
  template <class T>
  T run(Task<T> task) {
    EXPECT_TRUE(task.start([](void*) {}, nullptr));
    return task.take();
  }
  void apply_options() { context_.tenants = std::make_shared<const Tenants>(options_); }
  Answer created(domain::Identity given = {}) {
    return *run(create(context_, {tenant_, {std::move(given), {}}, {}}));
  }
  Result<Answer> get(const domain::SessionId& id, domain::Identity given = {}) {
    return run(retrieve(context_, {tenant_, id, std::move(given)}));
  }
  Result<Answer> post(const domain::SessionId& id, domain::Identity given) {
    return run(associate(context_, {tenant_, id, {std::move(given), {}}, {}}));
  }
  // What happened so far, oldest first.
  std::vector<domain::Event> events() {
    std::vector<domain::Event> all;
    auto log = run(read_events(context_, {tenant_, {}, 10'000}));
    for (auto& logged : log->events) all.push_back(std::move(logged.event));
    return all;
  }

  domain::TenantId tenant_ = *domain::TenantId::parse("1");
  ManualClock clock_;
  SeededEntropy entropy_;
  store::testing::ModelDatabase database_;
  store::testing::ModelStore model_{database_};
  DoorStore store_{model_};
  TenantsOptions options_;  // call apply_options() after a change
  limits::Limiter limiter_;
  CreationsUnderWay creations_;
  PausedTimer timer_;
  Context context_{store_, clock_,   entropy_,   std::make_shared<const Tenants>(options_),
                   {},     limiter_, creations_, timer_};
};

}  // namespace sojourn::sessions
