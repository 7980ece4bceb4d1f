#include "base/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace sojourn {
namespace {

// Something to wait for that the test lets happen.
struct Gate {
  bool await_ready() const { return open; }
  void await_suspend(std::coroutine_handle<> h) { waiting = h; }
  void await_resume() const {}
  void release() { std::exchange(waiting, {}).resume(); }

  bool open = false;
  std::coroutine_handle<> waiting;
};

Task<std::string> ready() { return std::string("ready"); }

Task<std::string> greet(Gate& gate) {
  co_await gate;
  co_return "hello";
}

Task<size_t> length(Gate& gate) {
  std::string text = co_await greet(gate);
  text += co_await ready();
  co_return text.size();
}

Task<void> fail(Gate& gate) {
  co_await gate;
  throw std::runtime_error("no");
}

void count_call(void* calls) { ++*static_cast<int*>(calls); }

TEST(Task, ReadyValueNeedsNoCoroutine) {
  int calls = 0;
  auto task = ready();
  EXPECT_TRUE(task.start(count_call, &calls));
  EXPECT_EQ(task.take(), "ready");
  EXPECT_EQ(calls, 0);
}

TEST(Task, ReadyVoid) {
  auto task = Task<void>::done();
  EXPECT_TRUE(task.start(count_call, nullptr));
}

TEST(Task, RunsToItsEndAtOnceWhenNothingHasToWait) {
  Gate gate{.open = true};
  int calls = 0;
  auto task = length(gate);
  EXPECT_TRUE(task.start(count_call, &calls));
  EXPECT_EQ(task.take(), 10u);
  EXPECT_EQ(calls, 0);
}

TEST(Task, WaitsAndCallsBackOnce) {
  Gate gate;
  int calls = 0;
  auto task = length(gate);
  EXPECT_FALSE(task.start(count_call, &calls));
  EXPECT_EQ(calls, 0);
  gate.release();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(task.take(), 10u);
}

TEST(Task, ExceptionsReachWhoTakesTheResult) {
  Gate gate{.open = true};
  auto task = fail(gate);
  EXPECT_TRUE(task.start(count_call, nullptr));
  EXPECT_THROW(task.take(), std::runtime_error);
}

TEST(Task, AWaitingTaskCanBeDropped) {
  auto alive = std::make_shared<int>(0);
  Gate gate;
  {
    auto hold = [](Gate& g, std::shared_ptr<int>) -> Task<void> { co_await g; };
    auto task = hold(gate, alive);
    EXPECT_FALSE(task.start(count_call, nullptr));
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace sojourn
