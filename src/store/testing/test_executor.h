// An Executor that a test pumps by hand: its thread is whichever thread calls run().
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "base/executor.h"
#include "base/task.h"

namespace sojourn::store::testing {

// post() from any thread; everything else from one thread at a time. Must outlive what still posts
// to it. Work that nobody pumped is destroyed with the executor.
class TestExecutor final : public Executor {
 public:
  // Far longer than any healthy store takes; a test that waits this long has found a lost answer.
  static constexpr std::chrono::seconds kPatience{60};

  void post(std::move_only_function<void()> work) override {
    const std::lock_guard lock(mutex_);
    ++posts_;
    queue_.push_back(std::move(work));
    posted_.notify_one();  // under the lock: whoever is woken may destroy this object
  }

  // Starts `task` and pumps until it is done; its result. Throws when it waits for too long.
  template <class T>
  T run(Task<T> task) {
    bool done = false;
    if (!task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done)) {
      pump_until([&done] { return done; });
    }
    return task.take();
  }

  // Runs posted work until `condition` holds. Throws when it does not for too long.
  template <class Condition>
  void pump_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      std::unique_lock lock(mutex_);
      if (!posted_.wait_until(lock, deadline, [this] { return !queue_.empty(); })) {
        throw std::runtime_error("TestExecutor: nothing was posted in time");
      }
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
    }
  }

  // How often post() was called so far.
  size_t posts() const {
    const std::lock_guard lock(mutex_);
    return posts_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::move_only_function<void()>> queue_;
  size_t posts_ = 0;
};

}  // namespace sojourn::store::testing
