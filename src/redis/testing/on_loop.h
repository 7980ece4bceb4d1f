// A store that lives on a loop of its own, for tests that pump an executor by hand.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>

#include "base/executor.h"
#include "net/loop.h"
#include "store/engine.h"

namespace sojourn::redis::testing {

// Every call is made on the loop, and answered on `home`.
class StoreOnLoop final : public store::SessionStore {
 public:
  StoreOnLoop(store::Engine& engine, Executor& home)
      : home_(home), store_(engine.store_for(loop_)) {
    loop_.start();
  }
  ~StoreOnLoop() override { loop_.stop(); }

  Task<Result<std::optional<domain::Session>>> get(const domain::TenantId& tenant,
                                                   const domain::SessionId& id) override {
    return there<std::optional<domain::Session>>([&] { return store_->get(tenant, id); });
  }
  Task<Result<store::CommitOutcome>> commit(const domain::Change& change) override {
    return there<store::CommitOutcome>([&] { return store_->commit(change); });
  }
  Task<Result<store::SessionPage>> find(const store::Query& query) override {
    return there<store::SessionPage>([&] { return store_->find(query); });
  }
  Task<Result<domain::Counts>> count(const domain::TenantId& tenant) override {
    return there<domain::Counts>([&] { return store_->count(tenant); });
  }
  Task<Result<std::vector<store::Due>>> due(Time now, size_t limit) override {
    return there<std::vector<store::Due>>([=, this] { return store_->due(now, limit); });
  }
  Task<Result<std::optional<domain::IdempotencyEntry>>> idempotency_entry(
      const domain::TenantId& tenant, const std::string& key) override {
    return there<std::optional<domain::IdempotencyEntry>>(
        [&] { return store_->idempotency_entry(tenant, key); });
  }
  Task<Result<domain::EventPage>> events(const store::EventQuery& query) override {
    return there<domain::EventPage>([&] { return store_->events(query); });
  }
  Task<Result<size_t>> trim_events(Time time, size_t limit) override {
    return there<size_t>([=, this] { return store_->trim_events(time, limit); });
  }

 private:
  // What crosses the threads and back: one at a time has it.
  template <class T>
  struct Call {
    StoreOnLoop& owner;
    std::function<Task<Result<T>>()> begin;
    std::optional<Task<Result<T>>> task;
    std::optional<Result<T>> answer;
    std::coroutine_handle<> waiter;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      waiter = handle;
      owner.loop_.post([this] {
        task.emplace(begin());
        if (task->start([](void* self) { static_cast<Call*>(self)->done(); }, this)) done();
      });
    }
    void done() {
      answer.emplace(task->take());
      owner.home_.post([this] { waiter.resume(); });
    }
    Result<T> await_resume() { return *std::move(answer); }
  };

  // The arguments live until the Task is done, so `begin` may refer to them.
  template <class T>
  Task<Result<T>> there(std::function<Task<Result<T>>()> begin) {
    Call<T> call{*this, std::move(begin), {}, {}, {}};
    Result<T> answer = co_await call;
    // The loop may still be inside the task's last step, which must not be destroyed under it.
    co_await Barrier{*this};
    co_return answer;
  }

  // Waits until the loop has come to rest.
  struct Barrier {
    StoreOnLoop& owner;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      owner.loop_.post([this, handle] { owner.home_.post([handle] { handle.resume(); }); });
    }
    void await_resume() const noexcept {}
  };

  Executor& home_;
  net::Loop loop_;
  const std::unique_ptr<store::SessionStore> store_;
};

}  // namespace sojourn::redis::testing
