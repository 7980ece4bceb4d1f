#include "domain/lifecycle.h"

#include <gtest/gtest.h>

#include <random>

namespace sojourn::domain {
namespace {

using namespace std::chrono_literals;

class SeededEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = static_cast<std::byte>(random_());
  }

 private:
  std::mt19937 random_{7};
};

constexpr Time kStart{Duration(1'800'000'000'000)};

class Lifecycle : public testing::Test {
 protected:
  Session make(Identity given = {}) {
    return *create(tenant_, given, Cause::requested, policy_, kStart, entropy_).after;
  }
  Session touched(const Session& session, Time now) {
    const auto change = touch(session, policy_, now);
    return change ? *change->after : session;
  }

  SeededEntropy entropy_;
  TenantId tenant_ = *TenantId::parse("1");
  Policy policy_{.idle_timeout = 30min, .max_lifetime = 24h, .touch_interval = 1min};
};

TEST_F(Lifecycle, CreateBeginsAtVersion1) {
  const auto change =
      create(tenant_, {.customer_id = "bob"}, Cause::automatic, policy_, kStart, entropy_);
  EXPECT_FALSE(change.before);
  ASSERT_TRUE(change.after);
  const Session& session = *change.after;
  EXPECT_EQ(session.tenant, tenant_);
  EXPECT_EQ(session.identity.customer_id, "bob");
  EXPECT_EQ(session.created_at, kStart);
  EXPECT_EQ(session.last_accessed_at, kStart);
  EXPECT_EQ(session.expires_at, kStart + 30min);
  EXPECT_EQ(session.version, 1u);
  EXPECT_EQ(change.event, (Event{EventType::created, Cause::automatic}));
}

TEST_F(Lifecycle, LifetimeShorterThanIdleTimeWins) {
  policy_.max_lifetime = 10min;
  EXPECT_EQ(make().expires_at, kStart + 10min);
}

TEST_F(Lifecycle, GoneFromTheInstantItExpires) {
  const Session session = make();
  EXPECT_TRUE(is_live(session, session.expires_at - 1ms));
  EXPECT_FALSE(is_live(session, session.expires_at));
  EXPECT_FALSE(is_live(session, session.expires_at + 1h));
}

TEST_F(Lifecycle, TouchCountsWhenItMovesExpiryByTheInterval) {
  const Session session = make();
  EXPECT_FALSE(touch(session, policy_, kStart));
  EXPECT_FALSE(touch(session, policy_, kStart + 1min - 1ms));
  const auto change = touch(session, policy_, kStart + 1min);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->before, session);
  EXPECT_EQ(change->after->expires_at, kStart + 31min);
  EXPECT_EQ(change->after->last_accessed_at, kStart + 1min);
  EXPECT_EQ(change->after->version, 1u);
  EXPECT_FALSE(change->event);
}

TEST_F(Lifecycle, TouchNeverOutlivesTheLifetime) {
  policy_.max_lifetime = 35min;
  Session session = touched(make(), kStart + 20min);
  EXPECT_EQ(session.expires_at, kStart + 35min);
  EXPECT_FALSE(touch(session, policy_, kStart + 34min)) << "nothing left to move";
}

TEST_F(Lifecycle, TouchIntervalOfZeroCountsEveryAccessThatMovesExpiry) {
  policy_.touch_interval = 0ms;
  EXPECT_FALSE(touch(make(), policy_, kStart));
  EXPECT_TRUE(touch(make(), policy_, kStart + 1ms));
}

TEST_F(Lifecycle, AClockSetBackKeepsWhatWasPromised) {
  const Session session = touched(make(), kStart + 10min);
  EXPECT_FALSE(touch(session, policy_, kStart - 1h));
  const auto change = identify(session, {.agent_id = "a"}, policy_, kStart - 1h);
  EXPECT_EQ((*change)->after->expires_at, session.expires_at);
  EXPECT_EQ((*change)->after->last_accessed_at, session.last_accessed_at);
}

TEST_F(Lifecycle, AShorterPolicyKeepsWhatWasPromised) {
  const Session session = make();
  policy_.idle_timeout = 1min;
  policy_.max_lifetime = 2min;
  EXPECT_FALSE(touch(session, policy_, kStart + 1min));
  const auto change = identify(session, {.agent_id = "a"}, policy_, kStart + 1min);
  EXPECT_EQ((*change)->after->expires_at, kStart + 30min);
}

TEST_F(Lifecycle, IdentifySetsWhatIsGivenAndCountsTheAccess) {
  const Session session = make({.visit_id = "v"});
  const auto result = identify(session, {.customer_id = "bob"}, policy_, kStart + 5s);
  ASSERT_TRUE(result && *result);
  const Change& change = **result;
  EXPECT_EQ(change.before, session);
  EXPECT_EQ(change.after->identity, (Identity{.customer_id = "bob", .visit_id = "v"}));
  EXPECT_EQ(change.after->version, 2u);
  EXPECT_EQ(change.after->expires_at, kStart + 5s + 30min);
  EXPECT_EQ(change.event, (Event{EventType::identified, Cause::requested}));
}

TEST_F(Lifecycle, RepeatingAnAssociationChangesNothing) {
  const Session session = make({.customer_id = "bob"});
  EXPECT_EQ(identify(session, {.customer_id = "bob"}, policy_, kStart + 5s), std::nullopt);
  EXPECT_EQ(identify(session, {}, policy_, kStart + 5s), std::nullopt);
  const auto later = identify(session, {.customer_id = "bob"}, policy_, kStart + 5min);
  ASSERT_TRUE(later && *later);
  EXPECT_EQ((*later)->after->version, 1u);
  EXPECT_FALSE((*later)->event);
}

TEST_F(Lifecycle, ACustomerIsRecognisedOnce) {
  const Session session = make({.customer_id = "bob"});
  const auto result = identify(session, {.customer_id = "eve", .visit_id = "v"}, policy_, kStart);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::customer_conflict);
  EXPECT_EQ(result.error().detail.find("bob"), std::string::npos) << "the customer is not told";
}

TEST_F(Lifecycle, TheOtherThreeMayBeReplaced) {
  const Session session = make({.agent_id = "a", .visit_id = "v", .global_visit_id = "g"});
  const Identity other{.agent_id = "b", .visit_id = "w", .global_visit_id = "h"};
  const auto result = identify(session, other, policy_, kStart);
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->after->identity, other);
}

TEST_F(Lifecycle, APolicyMayLetCustomersBeReplaced) {
  policy_.on_customer_conflict = OnCustomerConflict::replace;
  const auto result =
      identify(make({.customer_id = "bob"}), {.customer_id = "eve"}, policy_, kStart);
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->after->identity.customer_id, "eve");
}

}  // namespace
}  // namespace sojourn::domain
