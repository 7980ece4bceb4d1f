#include "descriptors.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sojourn::app {
namespace {

using testing::HasSubstr;

config::Options with_threads(size_t threads) {
  config::Options options;
  options.http_threads = threads;
  return options;
}

TEST(Descriptors, EnoughIsAllThatTheOptionsAskFor) {
  const auto shares = share_descriptors({.most = 20'000, .inherited = 3}, with_threads(2));
  ASSERT_TRUE(shares) << shares.error();
  EXPECT_EQ(shares->http.connections, 10'000U);
  EXPECT_EQ(shares->admin.connections, 100U);
  EXPECT_EQ(shares->http.turned_away, 64U);
  EXPECT_EQ(shares->warning, "");
}

TEST(Descriptors, OfLessHealthKeepsSome) {
  const auto shares = share_descriptors({.most = 64, .inherited = 3}, with_threads(2));
  ASSERT_TRUE(shares) << shares.error();
  EXPECT_GE(shares->http.connections, 8U);
  EXPECT_LT(shares->http.connections, 20U);
  EXPECT_EQ(shares->admin.connections, 4U);
  EXPECT_THAT(shares->warning, HasSubstr("limit of open files is 64"));
  EXPECT_THAT(shares->warning, HasSubstr("http.max_connections = 10000"));
}

TEST(Descriptors, TooFewAreRefusedWithTheNumberThatIsNeeded) {
  for (const size_t threads : {1U, 2U, 32U}) {
    for (const bool redis : {false, true}) {
      config::Options options = with_threads(threads);
      if (redis) options.store = config::StoreKind::redis;
      size_t least = 0;
      while (!share_descriptors({.most = least, .inherited = 3}, options)) ++least;
      const auto refused = share_descriptors({.most = least - 1, .inherited = 3}, options);
      EXPECT_THAT(refused.error(), HasSubstr("at least " + std::to_string(least) + " are needed"));
      EXPECT_TRUE(share_descriptors({.most = least + 1, .inherited = 4}, options));
      EXPECT_FALSE(share_descriptors({.most = least, .inherited = 4}, options));
    }
  }
}

// Whatever the limit: every connection that is let in has a descriptor, and some are left.
TEST(Descriptors, TheSharesFitTheLimit) {
  for (const size_t threads : {1U, 2U, 7U, 64U}) {
    for (size_t most = 0; most < 20'000; most += 1 + most / 16) {
      for (const size_t wanted : {1U, 50U, 10'000U}) {
        config::Options options = with_threads(threads);
        options.http.max_connections = wanted;
        const auto shares = share_descriptors({.most = most, .inherited = 3}, options);
        if (!shares) continue;
        const size_t held = shares->http.connections + threads * shares->http.turned_away +
                            shares->admin.connections + shares->admin.turned_away;
        EXPECT_LE(held + 3 + 3 * (threads + 2) + 2 * (threads + 1) + 8 + 16, most);
        EXPECT_GE(shares->http.connections, std::min<size_t>(wanted, 8));
        EXPECT_GE(shares->admin.connections, 4U);
        EXPECT_GE(shares->http.turned_away, 1U);
        EXPECT_EQ(shares->warning.empty(),
                  shares->http.connections == wanted && shares->admin.connections == 100);
      }
    }
  }
}

TEST(Descriptors, ARedisOfSeveralNodesFindsRoom) {
  config::Options options = with_threads(2);
  const DescriptorLimit limit{.most = 1024, .inherited = 3};
  const size_t with_lmdb = share_descriptors(limit, options)->http.connections;
  options.store = config::StoreKind::redis;
  const size_t with_redis = share_descriptors(limit, options)->http.connections;
  EXPECT_LE(with_redis + 200, with_lmdb);
  EXPECT_GT(with_redis, 300U);
}

TEST(Descriptors, TheSoftLimitIsRaisedAndWhatIsOpenIsCounted) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low{.rlim_cur = before.rlim_max / 2, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &low);
  const DescriptorLimit first = raise_descriptor_limit();
  EXPECT_EQ(first.most, before.rlim_max);
  EXPECT_GE(first.inherited, 3U);
  const int more = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(raise_descriptor_limit().inherited, first.inherited + 1);
  close(more);
}

}  // namespace
}  // namespace sojourn::app
