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

TEST(Task, WhenAllWaitsForTheLast) {
  Gate first, second{.open = true}, third;
  std::vector<Task<size_t>> tasks;
  tasks.push_back(length(first));
  tasks.push_back(length(second));
  tasks.push_back(length(third));
  tasks.push_back(size_t{7});
  int calls = 0;
  auto all = when_all(std::move(tasks));
  EXPECT_FALSE(all.start(count_call, &calls));
  third.release();
  EXPECT_EQ(calls, 0);
  first.release();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(all.take(), (std::vector<size_t>{10, 10, 10, 7}));
}

TEST(Task, WhenAllOfNothingIsDone) {
  auto all = when_all(std::vector<Task<size_t>>());
  EXPECT_TRUE(all.start(count_call, nullptr));
  EXPECT_TRUE(all.take().empty());
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
