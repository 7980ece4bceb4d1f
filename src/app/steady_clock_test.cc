#include "steady_clock.h"

#include <gtest/gtest.h>

namespace sojourn::app {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{Duration(1'800'000'000'000)};

class SteadyClockTest : public testing::Test {
 protected:
  // The world goes on, and the clock is adjusted as the server does it.
  void pass(Duration time) {
    for (Duration passed(0); passed < time; passed += 200ms) {
      elapsed_ += 200ms;
      wall_ += 200ms;
      clock_.adjust();
    }
  }

  std::chrono::sys_time<std::chrono::nanoseconds> wall_ = kStart;
  std::chrono::nanoseconds elapsed_ = 12'345'678us;
  SteadyClock clock_{{.wall = [this] { return wall_; }, .elapsed = [this] { return elapsed_; }}};
};

TEST_F(SteadyClockTest, GoesWithTheWallClock) {
  EXPECT_EQ(clock_.now(), kStart);
  pass(1h);
  EXPECT_EQ(clock_.now(), kStart + 1h);
}

TEST_F(SteadyClockTest, AJumpForwardKillsNobodyEarly) {
  wall_ += 1h;
  EXPECT_EQ(clock_.now(), kStart);
  pass(30min);  // an idle time
  EXPECT_LE(clock_.now(), kStart + 30min + 9s) << "at most 0.5 % ahead";
}

TEST_F(SteadyClockTest, AJumpBackKeepsNobodyAlive) {
  wall_ -= 1h;
  pass(30min);
  EXPECT_GE(clock_.now(), kStart + 30min - 9s) << "at most 0.5 % behind";
}

TEST_F(SteadyClockTest, NeverGoesBack) {
  wall_ -= 1h;
  Time before = clock_.now();
  for (int i = 0; i < 1000; ++i) {
    pass(200ms);
    EXPECT_GT(clock_.now(), before);
    before = clock_.now();
  }
}

TEST_F(SteadyClockTest, AgreesWithTheWallClockInTheEnd) {
  wall_ += 10s;
  pass(10s * 200);
  EXPECT_EQ(clock_.now(), wall_);
  wall_ -= 10s;
  pass(10s * 200 + 1s);
  EXPECT_EQ(clock_.now(), wall_);
}

TEST_F(SteadyClockTest, TheRealOneStartsAtTheWallClock) {
  const auto wall = std::chrono::system_clock::now();
  EXPECT_LT(std::chrono::abs(SteadyClock().now() - wall), 1s);
}

}  // namespace
}  // namespace sojourn::app
