// Work that nobody waits for.
#pragma once

#include <cstddef>
#include <list>

#include "base/task.h"

namespace sojourn::redis {

// Runs tasks on the thread that hands them in. What is not done when this object goes is dropped;
// so is what comes when too much is running: everything that is done here is done again by whoever
// finds it undone (due.h). One thread.
class Background {
 public:
  void run(Task<void> task) {
    if (running_.size() >= kLimit) return;
    running_.emplace_back(*this, std::move(task));
    const auto self = std::prev(running_.end());
    self->self = self;
    if (self->task.start(done, &*self)) running_.erase(self);
  }

 private:
  static constexpr size_t kLimit = 10'000;

  struct Running {
    Running(Background& of, Task<void> one) : owner(of), task(std::move(one)) {}

    Background& owner;
    Task<void> task;
    std::list<Running>::iterator self;
  };

  static void done(void* one) {
    auto& running = *static_cast<Running*>(one);
    running.owner.running_.erase(running.self);
  }

  std::list<Running> running_;
};

}  // namespace sojourn::redis
