// The conformance suite: what one caller sees.
#include "testing/conformance.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "testing/sessions.h"

namespace sojourn::store::testing {

StoreFactory::StoreFactory(std::string suite_name,
                           std::function<std::unique_ptr<StoreUnderTest>()> make_one)
    : name(std::move(suite_name)), make(std::move(make_one)) {
  take_in_random_tests();
  take_in_thread_tests();
  take_in_list_tests();
  take_in_event_tests();
  take_in_due_tests();
}

std::optional<domain::Session> get_from(SessionStore& store, TestExecutor& home,
                                        const domain::TenantId& tenant,
                                        const domain::SessionId& id) {
  return answer_from(home, store.get(tenant, id));
}

CommitOutcome commit_to(SessionStore& store, TestExecutor& home, const domain::Change& change) {
  return answer_from(home, store.commit(change));
}

std::vector<domain::Session> walk(SessionStore& store, TestExecutor& home, Query query) {
  std::vector<domain::Session> all;
  for (;;) {
    SessionPage page = answer_from(home, store.find(query));
    if (page.sessions.size() > query.limit) throw std::runtime_error("a page is too large");
    PageBudget budget(query.limit, query.bytes);
    for (const domain::Session& session : page.sessions) {
      if (budget.spent()) throw std::runtime_error("a page goes on behind its end");
      budget.take(session);
    }
    if (page.more && !budget.spent()) throw std::runtime_error("a short page");
    if (!page.sessions.empty()) query.below = page.sessions.back().id;
    std::ranges::move(page.sessions, std::back_inserter(all));
    if (!page.more) return all;
  }
}

std::vector<domain::Event> read_events(SessionStore& store, TestExecutor& home,
                                       const domain::TenantId& tenant, uint64_t& after,
                                       size_t limit) {
  std::vector<domain::Event> all;
  for (;;) {
    auto page = answer_from(home, store.events({.tenant = tenant, .after = after, .limit = limit}));
    if (page.gap || page.from != after) throw std::runtime_error("a gap");
    if (page.events.size() > limit) throw std::runtime_error("a page is too large");
    if (page.events.empty()) return all;
    for (auto& logged : page.events) {
      if (logged.number <= after) throw std::runtime_error("a number that does not rise");
      after = logged.number;
      all.push_back(std::move(logged.event));
    }
    if (page.next() != after) throw std::runtime_error("a page goes on elsewhere");
  }
}

std::vector<domain::Event> kept_events(SessionStore& store, TestExecutor& home,
                                       const domain::TenantId& tenant) {
  const auto begin = answer_from(home, store.events({.tenant = tenant, .after = {}, .limit = 1}));
  if (begin.gap) throw std::runtime_error("a gap where no place was named");
  uint64_t after = begin.from;
  return read_events(store, home, tenant, after, 100);
}

void Conformance::SetUp() {
  under_test_ = GetParam().make();
  ASSERT_NE(under_test_, nullptr);
  store_ = under_test_->store_for(home_);
}

void Conformance::TearDown() {
  store_.reset();
  under_test_.reset();
}

std::optional<domain::Session> Conformance::get(const domain::TenantId& tenant,
                                                const domain::SessionId& id) {
  return get_from(*store_, home_, tenant, id);
}

CommitOutcome Conformance::commit(const domain::Change& change) {
  return commit_to(*store_, home_, change);
}

domain::EventPage Conformance::events_after(std::optional<uint64_t> place, size_t limit) {
  const EventQuery query{.tenant = tenant("t"), .after = place, .limit = limit};
  return ask(store_->events(query));
}

bool Conformance::reopen() {
  store_.reset();
  const bool durable = under_test_->reopen();
  store_ = under_test_->store_for(home_);
  return durable;
}

namespace {

using domain::Session;

TEST_P(Conformance, WhatWasNeverCreatedIsAbsent) {
  EXPECT_EQ(get(tenant("t"), session_id(1)), std::nullopt);
}

TEST_P(Conformance, ShowsWhatWasCreated) {
  const Session session = plain_session(tenant("t"), 1);
  EXPECT_EQ(commit(creation(session)), CommitOutcome::committed);
  EXPECT_EQ(get(session.tenant, session.id), session);
  EXPECT_EQ(get(session.tenant, session_id(2)), std::nullopt);
}

TEST_P(Conformance, CreatingAnIdTwiceIsAConflict) {
  const Session session = plain_session(tenant("t"), 1);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  Session other = session;
  other.identity.customer_id = "someone else";
  EXPECT_EQ(commit(creation(other)), CommitOutcome::conflict);
  EXPECT_EQ(commit(creation(session)), CommitOutcome::conflict);
  EXPECT_EQ(get(session.tenant, session.id), session);
}

TEST_P(Conformance, AnUpdateReplacesEveryMember) {
  Session session = plain_session(tenant("t"), 1);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  for (const Session& changed : one_member_changed(session)) {
    EXPECT_EQ(commit(update(session, changed)), CommitOutcome::committed);
    EXPECT_EQ(get(session.tenant, session.id), changed);
    EXPECT_EQ(commit(update(changed, session)), CommitOutcome::committed);
    EXPECT_EQ(get(session.tenant, session.id), session);
  }
}

TEST_P(Conformance, AChangeOfASessionThatDiffersInOneMemberIsAConflict) {
  const Session session = plain_session(tenant("t"), 1);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  Session after = session;
  after.version += 7;
  for (const Session& stale : one_member_changed(session)) {
    EXPECT_EQ(commit(update(stale, after)), CommitOutcome::conflict);
    EXPECT_EQ(commit(deletion(stale)), CommitOutcome::conflict);
    EXPECT_EQ(get(session.tenant, session.id), session);
  }
}

TEST_P(Conformance, ChangingWhatIsAbsentIsAConflict) {
  const Session session = plain_session(tenant("t"), 1);
  Session after = session;
  after.version += 1;
  EXPECT_EQ(commit(update(session, after)), CommitOutcome::conflict);
  EXPECT_EQ(commit(deletion(session)), CommitOutcome::conflict);
  EXPECT_EQ(get(session.tenant, session.id), std::nullopt);
}

TEST_P(Conformance, WhatIsDeletedIsGone) {
  const Session session = plain_session(tenant("t"), 1);
  const Session neighbour = plain_session(tenant("t"), 2);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(neighbour)), CommitOutcome::committed);
  EXPECT_EQ(commit(deletion(session)), CommitOutcome::committed);
  EXPECT_EQ(get(session.tenant, session.id), std::nullopt);
  EXPECT_EQ(commit(deletion(session)), CommitOutcome::conflict);
  EXPECT_EQ(get(neighbour.tenant, neighbour.id), neighbour);
}

TEST_P(Conformance, ATouchChangesTimesOnly) {
  Session session = plain_session(tenant("t"), 1);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  for (int i = 0; i < 3; ++i) {
    Session touched = session;
    touched.last_accessed_at += Duration(60'000);
    touched.expires_at += Duration(60'000);
    EXPECT_EQ(commit({.before = session, .after = touched, .event = {}}), CommitOutcome::committed);
    session = touched;
  }
  EXPECT_EQ(get(session.tenant, session.id), session);
}

// A touch and the end of a session past its time, both decided on the same record: whichever comes
// first is the only one, and the other leaves nothing behind, in no table.
TEST_P(Conformance, ATouchThatComesTooLateBringsNothingBack) {
  const Session session = plain_session(tenant("t"), 1);
  Session touched = session;
  touched.last_accessed_at = session.expires_at - Duration(1);
  touched.expires_at += Duration(60'000);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  ASSERT_EQ(commit(deletion(session)), CommitOutcome::committed);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(commit(touching(session, touched)), CommitOutcome::conflict);
    EXPECT_EQ(get(session.tenant, session.id), std::nullopt);
    EXPECT_TRUE(walk(store(), home(), {.tenant = session.tenant}).empty());
    EXPECT_EQ(ask(store().count(session.tenant)), domain::Counts{});
    EXPECT_TRUE(ask(store().due(touched.expires_at, 10)).empty());
    if (i == 0 && !reopen()) break;
  }
}

TEST_P(Conformance, AnEndThatComesTooLateEndsNothing) {
  const Session session = plain_session(tenant("t"), 1);
  Session touched = session;
  touched.last_accessed_at = session.expires_at - Duration(1);
  touched.expires_at += Duration(60'000);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  ASSERT_EQ(commit(touching(session, touched)), CommitOutcome::committed);
  EXPECT_EQ(commit(deletion(session)), CommitOutcome::conflict);
  EXPECT_EQ(get(session.tenant, session.id), touched);
  EXPECT_EQ(walk(store(), home(), {.tenant = session.tenant}), std::vector{touched});
  uint64_t place = 0;
  EXPECT_EQ(read_events(store(), home(), session.tenant, place, 10).size(), 1u) << "no end";
}

TEST_P(Conformance, TenantsNeverMeet) {
  // Names of which one is the beginning of the other, and one of the greatest length.
  const std::vector<domain::TenantId> tenants = {tenant("a"), tenant("aa"), tenant("ab"),
                                                 tenant(std::string(128, 'a'))};
  for (const auto& t : tenants) {
    EXPECT_EQ(get(t, session_id(1)), std::nullopt);
    EXPECT_EQ(commit(creation(plain_session(t, 1))), CommitOutcome::committed);
  }
  for (const auto& t : tenants) EXPECT_EQ(get(t, session_id(1)), plain_session(t, 1));
  EXPECT_EQ(commit(deletion(plain_session(tenants[0], 1))), CommitOutcome::committed);
  EXPECT_EQ(get(tenants[0], session_id(1)), std::nullopt);
  for (size_t i = 1; i < tenants.size(); ++i) {
    EXPECT_EQ(get(tenants[i], session_id(1)), plain_session(tenants[i], 1));
  }
}

TEST_P(Conformance, KeepsFieldsAtTheirLimits) {
  for (const auto& t : {tenant("t"), tenant(std::string(128, '~'))}) {
    for (const Session& session : extreme_sessions(t)) {
      EXPECT_EQ(commit(creation(session)), CommitOutcome::committed);
      EXPECT_EQ(get(t, session.id), session);
      Session touched = session;
      touched.expires_at += Duration(1);
      EXPECT_EQ(commit(update(session, touched)), CommitOutcome::committed);
      EXPECT_EQ(get(t, session.id), touched);
    }
    for (Session session : extreme_sessions(t)) {
      session.expires_at += Duration(1);
      EXPECT_EQ(commit(deletion(session)), CommitOutcome::committed);
      EXPECT_EQ(get(t, session.id), std::nullopt);
    }
  }
}

TEST_P(Conformance, ASessionMayGrowAndShrink) {
  Session session = plain_session(tenant("t"), 1);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  for (const size_t size : {8192u, 0u, 1u, 4096u, 2000u, 8192u, 2u}) {
    Session changed = session;
    changed.attributes.assign(size, 'a');
    changed.version += 1;
    EXPECT_EQ(commit(update(session, changed)), CommitOutcome::committed);
    EXPECT_EQ(get(session.tenant, session.id), changed);
    session = changed;
  }
}

TEST_P(Conformance, KeepsEverythingAcrossReopening) {
  const auto t = tenant("t");
  for (const Session& session : extreme_sessions(t)) {
    ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  }
  ASSERT_EQ(commit(deletion(extreme_sessions(t)[2])), CommitOutcome::committed);
  if (!reopen()) GTEST_SKIP() << "this store is not durable";
  for (size_t i = 0; const Session& session : extreme_sessions(t)) {
    if (i++ == 2) {
      EXPECT_EQ(get(t, session.id), std::nullopt);
    } else {
      EXPECT_EQ(get(t, session.id), session);
    }
  }
  Session changed = extreme_sessions(t)[0];
  changed.version += 1;
  EXPECT_EQ(commit(update(extreme_sessions(t)[0], changed)), CommitOutcome::committed);
  ASSERT_TRUE(reopen());
  EXPECT_EQ(get(t, changed.id), changed);
}

}  // namespace
}  // namespace sojourn::store::testing
