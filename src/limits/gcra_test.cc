#include "limits/gcra.h"

#include <gtest/gtest.h>

namespace sojourn::limits {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;
constexpr Time kNow{Duration(1'700'000'000'000)};

int granted(Bucket& bucket, const Rate& rate, Time now, int asked) {
  int count = 0;
  for (int i = 0; i < asked; ++i) count += take(bucket, rate, now) ? 0 : 1;
  return count;
}

TEST(Gcra, GrantsABurstAndThenTheRate) {
  const Rate rate{.count = 10, .per = seconds(1), .burst = 30};
  Bucket bucket = 0;
  EXPECT_EQ(granted(bucket, rate, kNow, 100), 30);
  EXPECT_EQ(take(bucket, rate, kNow), milliseconds(100));
  EXPECT_EQ(take(bucket, rate, kNow + milliseconds(99)), milliseconds(1));
  EXPECT_EQ(take(bucket, rate, kNow + milliseconds(100)), std::nullopt);
  EXPECT_EQ(granted(bucket, rate, kNow + seconds(1), 100), 9);
  EXPECT_EQ(granted(bucket, rate, kNow + seconds(1000), 100), 30);
}

TEST(Gcra, NeverGrantsMoreThanTheRateOverAnyTime) {
  const Rate rate{.count = 7, .per = seconds(60), .burst = 3};
  Bucket bucket = 0;
  int count = 0;
  for (int ms = 0; ms <= 600'000; ms += 10) count += granted(bucket, rate, kNow + Duration(ms), 2);
  EXPECT_EQ(count, 3 + 70);
}

TEST(Gcra, IsExactAboveOneAMillisecond) {
  const Rate rate{.count = 100'000, .per = seconds(1), .burst = 100'000};
  Bucket bucket = 0;
  EXPECT_EQ(granted(bucket, rate, kNow, 200'000), 100'000);
  EXPECT_EQ(take(bucket, rate, kNow), milliseconds(1));
  EXPECT_EQ(granted(bucket, rate, kNow + milliseconds(1), 1000), 100);
}

TEST(Gcra, WaitsForWhatItSaid) {
  const Rate rate{.count = 3, .per = seconds(1), .burst = 1};
  Bucket bucket = 0;
  EXPECT_EQ(take(bucket, rate, kNow), std::nullopt);
  const auto wait = take(bucket, rate, kNow);
  ASSERT_TRUE(wait);
  EXPECT_EQ(take(bucket, rate, kNow + *wait), std::nullopt);
}

TEST(Gcra, OutlivesAChangeOfTheRateAndOfTheClock) {
  const Rate slow{.count = 1, .per = seconds(3600), .burst = 10};
  const Rate fast{.count = 10, .per = seconds(1), .burst = 10};
  Bucket bucket = 0;
  EXPECT_EQ(granted(bucket, slow, kNow, 100), 10);
  EXPECT_EQ(take(bucket, fast, kNow), milliseconds(100));
  EXPECT_LE(*take(bucket, fast, kNow - seconds(1000)), milliseconds(100));
}

}  // namespace
}  // namespace sojourn::limits
