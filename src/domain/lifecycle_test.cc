#include "domain/lifecycle.h"

#include <gtest/gtest.h>

#include "base/seeded_entropy.h"

namespace sojourn::domain {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{Duration(1'800'000'000'000)};

class Lifecycle : public testing::Test {
 protected:
  Session make(Identity given = {}) {
    return *create(tenant_, {.identity = given, .attributes = {}}, Cause::requested, policy_,
                   kStart, entropy_)
                ->after;
  }
  Session touched(const Session& session, Time now) {
    const auto change = touch(session, policy_, now);
    return change ? *change->after : session;
  }

  Result<std::optional<Change>> associate(const Session& session, const Identity& given,
                                          const Policy& policy, Time now) {
    return update(session, {.identity = given, .attributes = {}}, policy, now);
  }
  Result<std::optional<Change>> patch(const Session& session, std::string attributes) {
    return update(session, {.identity = {}, .attributes = std::move(attributes)}, policy_, kStart);
  }

  SeededEntropy entropy_;
  TenantId tenant_ = *TenantId::parse("1");
  Policy policy_{.idle_timeout = 30min, .max_lifetime = 24h, .touch_interval = 1min};
};

TEST_F(Lifecycle, CreateBeginsAtVersion1) {
  const Update given{.identity = {.customer_id = "bob"}, .attributes = R"({"a":1,"b":null})"};
  const Change change = *create(tenant_, given, Cause::automatic, policy_, kStart, entropy_);
  EXPECT_FALSE(change.before);
  ASSERT_TRUE(change.after);
  const Session& session = *change.after;
  EXPECT_EQ(session.tenant, tenant_);
  EXPECT_EQ(session.identity.customer_id, "bob");
  EXPECT_EQ(session.created_at, kStart);
  EXPECT_EQ(session.last_accessed_at, kStart);
  EXPECT_EQ(session.expires_at, kStart + 30min);
  EXPECT_EQ(session.version, 1u);
  EXPECT_EQ(session.attributes, R"({"a":1})") << "a merge patch on nothing";
  EXPECT_EQ(change.event, (Event{.type = EventType::created,
                                 .cause = Cause::automatic,
                                 .time = kStart,
                                 .tenant = tenant_,
                                 .session = session.id,
                                 .version = 1,
                                 .from = {},
                                 .to = {{.customer_id = "bob"}, R"({"a":1})"}}));
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
  const auto change = associate(session, {.agent_id = "a"}, policy_, kStart - 1h);
  EXPECT_EQ((*change)->after->expires_at, session.expires_at);
  EXPECT_EQ((*change)->after->last_accessed_at, session.last_accessed_at);
}

TEST_F(Lifecycle, AShorterPolicyKeepsWhatWasPromised) {
  const Session session = make();
  policy_.idle_timeout = 1min;
  policy_.max_lifetime = 2min;
  EXPECT_FALSE(touch(session, policy_, kStart + 1min));
  const auto change = associate(session, {.agent_id = "a"}, policy_, kStart + 1min);
  EXPECT_EQ((*change)->after->expires_at, kStart + 30min);
}

TEST_F(Lifecycle, IdentifySetsWhatIsGivenAndCountsTheAccess) {
  const Session session = make({.visit_id = "v"});
  const auto result = associate(session, {.customer_id = "bob"}, policy_, kStart + 5s);
  ASSERT_TRUE(result && *result);
  const Change& change = **result;
  EXPECT_EQ(change.before, session);
  EXPECT_EQ(change.after->identity, (Identity{.customer_id = "bob", .visit_id = "v"}));
  EXPECT_EQ(change.after->version, 2u);
  EXPECT_EQ(change.after->expires_at, kStart + 5s + 30min);
  EXPECT_EQ(change.event->type, EventType::identified);
  EXPECT_EQ(change.event->cause, Cause::requested);
  EXPECT_EQ(change.event->version, 2u);
  EXPECT_EQ(change.event->from, Facts());
  EXPECT_EQ(change.event->to, (Facts{{.customer_id = "bob"}, ""})) << "only what changed";
}

TEST_F(Lifecycle, RepeatingAnAssociationChangesNothing) {
  const Session session = make({.customer_id = "bob"});
  EXPECT_EQ(associate(session, {.customer_id = "bob"}, policy_, kStart + 5s), std::nullopt);
  EXPECT_EQ(associate(session, {}, policy_, kStart + 5s), std::nullopt);
  const auto later = associate(session, {.customer_id = "bob"}, policy_, kStart + 5min);
  ASSERT_TRUE(later && *later);
  EXPECT_EQ((*later)->after->version, 1u);
  EXPECT_FALSE((*later)->event);
}

TEST_F(Lifecycle, ACustomerIsRecognisedOnce) {
  const Session session = make({.customer_id = "bob"});
  const auto result = associate(session, {.customer_id = "eve", .visit_id = "v"}, policy_, kStart);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::customer_conflict);
  EXPECT_EQ(result.error().detail.find("bob"), std::string::npos) << "the customer is not told";
}

TEST_F(Lifecycle, TheOtherThreeMayBeReplaced) {
  const Session session = make({.agent_id = "a", .visit_id = "v", .global_visit_id = "g"});
  const Identity other{.agent_id = "b", .visit_id = "w", .global_visit_id = "h"};
  const auto result = associate(session, other, policy_, kStart);
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->after->identity, other);
}

TEST_F(Lifecycle, APolicyMayLetCustomersBeReplaced) {
  policy_.on_customer_conflict = OnCustomerConflict::replace;
  const auto result =
      associate(make({.customer_id = "bob"}), {.customer_id = "eve"}, policy_, kStart);
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->after->identity.customer_id, "eve");
}

TEST_F(Lifecycle, AttributesAreMergedAndCounted) {
  const Session session = *(*patch(make(), R"({"a":1,"b":{"c":2}})"))->after;
  EXPECT_EQ(session.attributes, R"({"a":1,"b":{"c":2}})");
  EXPECT_EQ(session.version, 2u);

  const auto changed = patch(session, R"({"a":null,"b":{"d":3}})");
  ASSERT_TRUE(changed && *changed);
  const Change& change = **changed;
  EXPECT_EQ(change.after->attributes, R"({"b":{"c":2,"d":3}})");
  EXPECT_EQ(change.event->type, EventType::updated);
  EXPECT_EQ(change.event->from, (Facts{{}, R"({"a":1,"b":{"c":2}})"}));
  EXPECT_EQ(change.event->to, (Facts{{}, R"({"b":{"c":2,"d":3}})"}));

  EXPECT_EQ(patch(session, R"({"b":{"c":2},"z":null})"), std::nullopt) << "nothing changes";
  EXPECT_EQ((*patch(session, R"({"a":null,"b":null})"))->event->to.attributes, "{}");
}

TEST_F(Lifecycle, TooManyAttributesAreRefused) {
  const std::string large = R"({"a":")" + std::string(9000, 'x') + R"("})";
  EXPECT_EQ(patch(make(), large).error().kind, ErrorKind::body_too_large);
  EXPECT_EQ(create(tenant_, {.identity = {}, .attributes = large}, Cause::requested, policy_,
                   kStart, entropy_)
                .error()
                .kind,
            ErrorKind::body_too_large);
}

TEST_F(Lifecycle, EndIsTheEnd) {
  const Session session = make({.customer_id = "bob"});
  const Change change = end(session, Cause::ended_all, kStart + 5s);
  EXPECT_EQ(change.before, session);
  EXPECT_FALSE(change.after);
  EXPECT_EQ(change.event->type, EventType::ended);
  EXPECT_EQ(change.event->cause, Cause::ended_all);
  EXPECT_EQ(change.event->time, kStart + 5s);
  EXPECT_EQ(change.event->from, (Facts{{.customer_id = "bob"}, ""}));
  EXPECT_EQ(change.event->to, Facts());
}

TEST_F(Lifecycle, TheReaperExpiresWhatIsOverAndFilesTheRestAnew) {
  const Session session = make();
  const Change early = reap(session, policy_, session.expires_at - 1ms);
  EXPECT_EQ(early.after, session);
  EXPECT_EQ(early.expiry, Change::Expiry::refile);
  EXPECT_FALSE(early.event);

  const Change late = reap(session, policy_, session.expires_at + 1h);
  EXPECT_FALSE(late.after);
  EXPECT_EQ(late.event->type, EventType::expired);
  EXPECT_EQ(late.event->time, session.expires_at) << "when it was due";
  EXPECT_EQ(late, expire(session, policy_));
}

TEST_F(Lifecycle, AnExpiryIsOfTheLifetimeWhenNoAccessWouldHaveHelped) {
  const Session unused = make();
  EXPECT_EQ(expire(unused, policy_).event->cause, Cause::expired_idle);
  policy_.max_lifetime = 40min;
  const Session used = touched(make(), kStart + 20min);
  EXPECT_EQ(used.expires_at, kStart + 40min);
  EXPECT_EQ(expire(used, policy_).event->cause, Cause::expired_lifetime);
  EXPECT_EQ(expire(unused, policy_).event->cause, Cause::expired_idle);
  // By the policy as it is now: touches stopped to move it when the lifetime became shorter.
  policy_.max_lifetime = 10min;
  EXPECT_EQ(expire(unused, policy_).event->cause, Cause::expired_lifetime);
  policy_.max_lifetime = 24h;
  EXPECT_EQ(expire(used, policy_).event->cause, Cause::expired_idle);
}

}  // namespace
}  // namespace sojourn::domain
