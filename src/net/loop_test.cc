// The loop as an executor and as a timer.
#include "net/loop.h"

#include <gtest/gtest.h>

#include "base/eventually.h"

namespace sojourn::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(Loop, RunsWhatIsPostedInOrderAndDropsItAfterStop) {
  Loop loop;
  std::mutex mutex;
  std::string order;
  const auto add = [&](char c) {
    loop.post([&, c] {
      const std::lock_guard lock(mutex);
      order.push_back(c);
    });
  };
  add('a');
  add('b');
  loop.start();
  loop.start();
  add('c');
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return order == "abc";
  }));
  loop.stop();
  auto alive = std::make_shared<int>();
  loop.post([alive] {});
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(Loop, WorkThatNeverRanIsDestroyed) {
  auto alive = std::make_shared<int>();
  {
    Loop loop;
    loop.post([alive] {});
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(LoopTimer, RunsInTheOrderOfTimeAndNotBefore) {
  Loop loop;
  std::mutex mutex;
  std::string order;
  const auto begin = steady_clock::now();
  steady_clock::time_point last;
  const auto add = [&](milliseconds delay, char c) {
    loop.after(delay, [&, c] {
      const std::lock_guard lock(mutex);
      order.push_back(c);
      last = steady_clock::now();
    });
  };
  add(milliseconds(80), 'd');
  loop.start();
  add(milliseconds(40), 'b');
  add(milliseconds(60), 'c');
  add(milliseconds(-5), 'a');
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return order.size() == 4;
  }));
  loop.stop();
  EXPECT_EQ(order, "abcd");
  EXPECT_GE(last - begin, milliseconds(80));
}

TEST(LoopTimer, WorkMayAskForMore) {
  Loop loop;
  loop.start();
  std::atomic<int> rounds = 0;
  std::function<void()> round = [&] {
    if (++rounds < 5) loop.after(milliseconds(1), [&] { round(); });
  };
  loop.after(milliseconds(0), [&] { round(); });
  EXPECT_TRUE(eventually([&] { return rounds == 5; }));
  loop.stop();
}

TEST(LoopTimer, WhatIsNotDueAtTheStopIsDestroyedByIt) {
  Loop loop;
  auto alive = std::make_shared<int>();
  std::atomic<bool> ran = false;
  loop.after(Duration::max(), [alive, &ran] { ran = true; });
  loop.start();
  std::atomic<bool> added = false;
  loop.post([&] { added = true; });  // comes after the delayed work is in its place
  ASSERT_TRUE(eventually([&] { return added.load(); }));
  EXPECT_EQ(alive.use_count(), 2);
  loop.stop();
  EXPECT_EQ(alive.use_count(), 1);
  loop.after(milliseconds(0), [alive, &ran] { ran = true; });
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace sojourn::net
