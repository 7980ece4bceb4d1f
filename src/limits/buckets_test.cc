#include "limits/buckets.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace sojourn::limits {
namespace {

using std::chrono::seconds;
constexpr Time kNow{Duration(1'700'000'000'000)};
constexpr Rate kRate{.count = 1, .per = seconds(1), .burst = 5};

TEST(Buckets, KeysDoNotShareATokenBucket) {
  Buckets buckets;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(buckets.take("a", kRate, kNow));
  EXPECT_EQ(buckets.take("a", kRate, kNow), seconds(1));
  EXPECT_FALSE(buckets.take("b", kRate, kNow));
}

TEST(Buckets, AreBoundedAndNeverRefuseWrongly) {
  Buckets buckets(1024);
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_FALSE(buckets.take("key" + std::to_string(i), kRate, kNow));
  }
  EXPECT_LE(buckets.size(), 1024U);
}

TEST(Buckets, ForgetTheFullOnesFirst) {
  Buckets buckets(1024);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(buckets.take("busy", kRate, kNow));
  // Each of these is full again after a second, "busy" after five.
  for (int second = 0; second < 4; ++second) {
    for (int i = 0; i < 2000; ++i) {
      buckets.take(std::to_string(second) + "/" + std::to_string(i), kRate, kNow + seconds(second));
    }
  }
  int granted = 0;
  for (int i = 0; i < 5; ++i) granted += buckets.take("busy", kRate, kNow + seconds(4)) ? 0 : 1;
  EXPECT_EQ(granted, 4) << "it was forgotten, or refused what had come back";
}

TEST(Buckets, GrantExactlyTheBurstToManyThreads) {
  Buckets buckets;
  const Rate rate{.count = 1, .per = seconds(1), .burst = 1000};
  std::atomic<int> granted = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) granted += buckets.take("a", rate, kNow) ? 0 : 1;
      });
    }
  }
  EXPECT_EQ(granted, 1000);
}

}  // namespace
}  // namespace sojourn::limits
