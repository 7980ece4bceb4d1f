// The quota of live sessions, one request at a time; many at once are in tests/test_quota.py.
#include "sessions/quota.h"

#include <chrono>

#include "operations_test_kit.h"

namespace sojourn::sessions {
namespace {

using namespace std::chrono_literals;
using Begun = CreationsUnderWay::Begun;

class Quota : public Operations {
 protected:
  void allow(size_t sessions) {
    options_.policy.max_sessions = sessions;
    apply_options();
  }
  bool done_ = false;

  Result<Answer> put(std::optional<std::string> key = {}) {
    return run(create(context_, {tenant_, {}, std::move(key)}));
  }
};

TEST(CreationsUnderWayTest, NeverLetsMoreBeginThanThereIsRoomFor) {
  const auto a = *domain::TenantId::parse("a");
  const auto b = *domain::TenantId::parse("b");
  CreationsUnderWay creations;
  EXPECT_EQ(creations.begin(a, 3, 5, 0), Begun::yes);
  EXPECT_EQ(creations.begin(a, 3, 5, 0), Begun::yes);
  EXPECT_EQ(creations.begin(a, 3, 5, 0), Begun::no_room);
  EXPECT_EQ(creations.begin(b, 0, 1, creations.ended(b)), Begun::yes);
  creations.end(a);
  // What was read before one ended may be without it.
  EXPECT_EQ(creations.begin(a, 3, 5, 0), Begun::changed);
  EXPECT_EQ(creations.begin(a, 4, 5, creations.ended(a)), Begun::no_room);
  creations.end(a);
  EXPECT_EQ(creations.begin(a, 4, 5, creations.ended(a)), Begun::yes);
}

TEST_F(Quota, OneMoreIsRefusedAndNothingEndsForIt) {
  allow(2);
  const Answer first = *put();
  const Answer second = *put();
  const auto third = put();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind, ErrorKind::quota_exceeded);
  EXPECT_EQ(third.error().retry_after, 60s);
  EXPECT_FALSE(get(first.session.id)->is_new);
  EXPECT_FALSE(get(second.session.id)->is_new);
  EXPECT_EQ(run(count(context_, tenant_))->anonymous, 2U);
}

TEST_F(Quota, CountsWhatBeginsByItself) {
  allow(1);
  const Answer only = *put();
  run(end(context_, {tenant_, only.session.id, {}})).value();
  EXPECT_TRUE(get(only.session.id)->is_new);
  EXPECT_EQ(get(only.session.id).error().kind, ErrorKind::quota_exceeded);
}

TEST_F(Quota, ThereIsRoomAgainWhenOneIsOverRemovedOrNot) {
  allow(1);
  const Answer only = *put();
  clock_.advance(options_.policy.idle_timeout - 1ms);
  EXPECT_FALSE(put());
  clock_.advance(1ms);
  EXPECT_TRUE(put()) << "the one that is over is still stored";
  EXPECT_FALSE(put());
}

TEST_F(Quota, ARepeatedCreateIsAnsweredThoughThereIsNoRoom) {
  allow(1);
  const Answer only = *put("key");
  EXPECT_EQ(put("key")->session.id, only.session.id);
  EXPECT_EQ(put("other").error().kind, ErrorKind::quota_exceeded);
}

TEST_F(Quota, AFailedCommitGivesItsPlaceBack) {
  allow(1);
  store_.commit_error = Error{ErrorKind::store_full, "full"};
  EXPECT_EQ(put().error().kind, ErrorKind::store_full);
  store_.commit_error.reset();
  EXPECT_TRUE(put());
}

TEST_F(Quota, OtherTenantsHaveTheirOwn) {
  allow(1);
  EXPECT_TRUE(put());
  tenant_ = *domain::TenantId::parse("2");
  EXPECT_TRUE(put());
}

TEST_F(Quota, WhoDependsOnOneUnderWayWaitsForIt) {
  allow(1);
  ASSERT_EQ(creations_.begin(tenant_, 0, 1, creations_.ended(tenant_)), Begun::yes);
  auto waiting = create(context_, {tenant_, {}, {}});
  ASSERT_FALSE(waiting.start([](void* done) { *static_cast<bool*>(done) = true; }, &done_));
  timer_.run();
  EXPECT_FALSE(done_);
  creations_.end(tenant_);  // it failed, so there is room
  timer_.run();
  EXPECT_TRUE(done_);
  EXPECT_TRUE(waiting.take());
}

}  // namespace
}  // namespace sojourn::sessions
