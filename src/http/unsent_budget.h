// How many bytes of answers wait for their clients to take them, over all connections of a server,
// and how many may.
#pragma once

#include <atomic>
#include <cstddef>

namespace sojourn::http {

// Any thread. Counts the bytes in this process's memory, not those that the kernel has taken.
class UnsentBudget {
 public:
  // True, and they are counted, when there are at most `most` with these.
  bool take(size_t bytes, size_t most) {
    size_t before = held_.load(std::memory_order_relaxed);
    do {
      if (bytes > most || before > most - bytes) return false;
    } while (!held_.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
    return true;
  }
  // Counts them, however many there are.
  void add(size_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void give_back(size_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }

  size_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> held_ = 0;
};

// What one connection holds of a budget; given back with it at the latest. The loop's thread.
class UnsentShare {
 public:
  explicit UnsentShare(UnsentBudget& budget) : budget_(budget) {}
  UnsentShare(const UnsentShare&) = delete;
  UnsentShare& operator=(const UnsentShare&) = delete;
  ~UnsentShare() { release(); }

  // Holds at least `bytes` from now on. False, and nothing changes, when the budget of `most` does
  // not allow it.
  bool take(size_t bytes, size_t most) {
    if (bytes <= held_) return true;
    if (!budget_.take(bytes - held_, most)) return false;
    held_ = bytes;
    return true;
  }
  // The same for what cannot be refused.
  void hold(size_t bytes) {
    if (bytes <= held_) return;
    budget_.add(bytes - held_);
    held_ = bytes;
  }
  void release() {
    if (held_ == 0) return;
    budget_.give_back(held_);
    held_ = 0;
  }

 private:
  UnsentBudget& budget_;
  size_t held_ = 0;
};

}  // namespace sojourn::http
