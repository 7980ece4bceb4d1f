// The three operations of the published API.
#include "commit.h"
#include "operations_test_kit.h"

namespace sojourn::sessions {
namespace {

using namespace std::chrono_literals;

TEST_F(Operations, WhatIsCreatedIsFound) {
  const Answer answer = created({.visit_id = "v"});
  EXPECT_TRUE(answer.is_new);
  const auto found = get(answer.session.id);
  EXPECT_FALSE(found->is_new);
  EXPECT_EQ(found->session, answer.session);
}

TEST_F(Operations, AnUnknownIdIsNeverAdopted) {
  const auto id = domain::SessionId::make(clock_.now(), entropy_);
  const auto made = get(id, {.customer_id = "bob"});
  EXPECT_TRUE(made->is_new);
  EXPECT_NE(made->session.id, id);
  EXPECT_EQ(made->session.identity.customer_id, "bob");
  EXPECT_TRUE(run(retrieve(context_, {tenant_, std::nullopt, {}}))->is_new) << "text that is no id";
}

TEST_F(Operations, AnotherTenantsIdIsUnknown) {
  const Answer answer = created();
  const auto other = *domain::TenantId::parse("2");
  const auto made = run(retrieve(context_, {other, answer.session.id, {}}));
  EXPECT_TRUE(made->is_new);
  EXPECT_NE(made->session.id, answer.session.id);
}

TEST_F(Operations, HeadNeverCreates) {
  const auto answer = run(retrieve(context_, {tenant_, std::nullopt, {}, IfUnknown::never_create}));
  EXPECT_EQ(answer.error().kind, ErrorKind::session_not_found);
  EXPECT_EQ(store_.commits, 0);
}

TEST_F(Operations, APolicyMayAnswerNotFound) {
  options_.policy.on_unknown_id = domain::OnUnknownId::not_found;
  apply_options();
  EXPECT_EQ(run(retrieve(context_, {tenant_, std::nullopt, {}})).error().kind,
            ErrorKind::session_not_found);
  EXPECT_EQ(run(associate(context_, {tenant_, std::nullopt, {}, {}})).error().kind,
            ErrorKind::session_not_found);
}

TEST_F(Operations, ExpiredIsUnknownFromTheInstant) {
  const Answer answer = created();
  clock_.set(answer.session.expires_at - 1ms);
  EXPECT_FALSE(get(answer.session.id)->is_new);
  clock_.set(get(answer.session.id)->session.expires_at);
  EXPECT_TRUE(get(answer.session.id)->is_new);
  EXPECT_TRUE(post(answer.session.id, {.customer_id = "bob"})->is_new);
}

TEST_F(Operations, OnlyCountedTouchesAreWritten) {
  const Answer answer = created();
  store_.commits = 0;
  clock_.advance(59s);
  EXPECT_EQ(get(answer.session.id)->session, answer.session);
  EXPECT_EQ(store_.commits, 0);
  clock_.advance(1s);
  EXPECT_EQ(get(answer.session.id)->session.expires_at, clock_.now() + 30min);
  EXPECT_EQ(store_.commits, 1);
  get(answer.session.id).value();
  EXPECT_EQ(store_.commits, 1);
}

TEST_F(Operations, ALostRaceIsDecidedAgainOnWhatWon) {
  const Answer answer = created();
  store_.rivals = 3;
  const auto after = post(answer.session.id, {.customer_id = "bob"});
  EXPECT_EQ(after->session.identity.customer_id, "bob");
  EXPECT_EQ(after->session.identity.agent_id, "rival0") << "the rivals' work is kept";
  EXPECT_EQ(after->session.version, 5u);
}

TEST_F(Operations, GivesUpAfterALimitedNumberOfLostRaces) {
  const Answer answer = created();
  store_.rivals = kMaxAttempts;
  EXPECT_EQ(post(answer.session.id, {.customer_id = "bob"}).error().kind, ErrorKind::overloaded);
}

TEST_F(Operations, AnOutageIsNeverUnknown) {
  const Answer answer = created();
  store_.commits = 0;
  store_.get_error = Error{ErrorKind::store_unavailable, "down"};
  EXPECT_EQ(get(answer.session.id).error().kind, ErrorKind::store_unavailable);
  EXPECT_EQ(post(answer.session.id, {}).error().kind, ErrorKind::store_unavailable);
  EXPECT_EQ(store_.commits, 0) << "an outage creates nothing";
}

}  // namespace
}  // namespace sojourn::sessions
