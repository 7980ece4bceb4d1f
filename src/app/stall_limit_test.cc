#include "stall_limit.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/eventually.h"
#include "command_line.h"

namespace sojourn::app {
namespace {

using namespace std::chrono_literals;

TEST(Pace, AsksForAMebibyteInEachLimit) {
  const Pace::Moment begin{};
  Pace pace(5min, begin);
  EXPECT_FALSE(pace.too_slow(0, begin + 5min - 1ms));
  EXPECT_FALSE(pace.too_slow(Pace::kStep, begin + 5min)) << "slow, and far enough";
  EXPECT_FALSE(pace.too_slow(2 * Pace::kStep - 1, begin + 10min - 1ms));
  EXPECT_TRUE(pace.too_slow(2 * Pace::kStep - 1, begin + 10min));
  EXPECT_FALSE(pace.too_slow(10 * Pace::kStep, begin + 1h));
  EXPECT_FALSE(pace.too_slow(10 * Pace::kStep, begin + 1h + 4min)) << "no credit, no debt";
  EXPECT_TRUE(pace.too_slow(10 * Pace::kStep, begin + 1h + 5min));
}

void get_nowhere() {
  StallLimit stall(50ms, "The export");
  std::this_thread::sleep_for(kTestLimit);
}

TEST(StallLimit, EndsTheProcessWithASentence) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(get_nowhere(), testing::ExitedWithCode(kFailed),
              "sojourn: The export was given up: .* 1 MiB further in 50ms.* is not whole");
}

}  // namespace
}  // namespace sojourn::app
