// Several threads at one store, for the files of the suite.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "testing/conformance.h"

namespace sojourn::store::testing {

inline constexpr size_t kThreads = 4;

// Runs `body(thread, store, home)` on kThreads threads at once; rethrows what one of them threw.
template <class Body>
void on_threads(StoreUnderTest& under_test, Body body) {
  std::mutex mutex;
  std::exception_ptr thrown;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      try {
        TestExecutor home;
        const auto store = under_test.store_for(home);
        body(i, *store, home);
      } catch (...) {
        const std::lock_guard lock(mutex);
        thrown = std::current_exception();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

// Takes one off a number when a thread is done with its part, also by an exception, so that nobody
// waits for it forever.
class DoneWithPart {
 public:
  explicit DoneWithPart(std::atomic<uint64_t>& left) : left_(left) {}
  ~DoneWithPart() { --left_; }
  DoneWithPart(const DoneWithPart&) = delete;
  DoneWithPart& operator=(const DoneWithPart&) = delete;

 private:
  std::atomic<uint64_t>& left_;
};

}  // namespace sojourn::store::testing
