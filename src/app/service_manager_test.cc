#include "service_manager.h"

#include <gtest/gtest.h>

#include <deque>

namespace sojourn::app {
namespace {

// A loop that runs what was posted when it is told to.
class StoppedLoop final : public Executor {
 public:
  void post(std::move_only_function<void()> work) override { posted_.push_back(std::move(work)); }
  void run() {
    for (; !posted_.empty(); posted_.pop_front()) posted_.front()();
  }
  size_t waiting() const { return posted_.size(); }

 private:
  std::deque<std::move_only_function<void()>> posted_;
};

class WatchdogTest : public testing::Test {
 protected:
  StoppedLoop first, second;
  bool healthy = true;
  int alive = 0;
  Watchdog watchdog{{&first, &second}, [this] { return healthy; }, [this] { ++alive; }};
};

TEST_F(WatchdogTest, IsAliveWhileEveryLoopComesToTheQuestion) {
  watchdog.look();
  EXPECT_EQ(alive, 1);
  for (int look = 2; look < 6; ++look) {
    first.run();
    second.run();
    watchdog.look();
    EXPECT_EQ(alive, look);
  }
}

TEST_F(WatchdogTest, FallsSilentWhenOneLoopIsStuckAndAsksNoMoreOfIt) {
  watchdog.look();
  first.run();
  for (int look = 0; look < 100; ++look) watchdog.look();
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(second.waiting(), 1u);
  second.run();  // it was only slow
  watchdog.look();
  EXPECT_EQ(alive, 2);
}

TEST_F(WatchdogTest, FallsSilentWhileTheStoreMakesNoProgress) {
  healthy = false;
  for (int look = 0; look < 3; ++look) {
    watchdog.look();
    first.run();
    second.run();
  }
  EXPECT_EQ(alive, 0);
  healthy = true;
  watchdog.look();
  EXPECT_EQ(alive, 1);
}

}  // namespace
}  // namespace sojourn::app
