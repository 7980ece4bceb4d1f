// The conformance suite: lists of sessions, and their number.
#include <algorithm>
#include <atomic>

#include "testing/conformance.h"
#include "testing/sessions.h"
#include "threads.h"

namespace sojourn::store::testing {

void take_in_list_tests() {}

namespace {

using domain::AttributeValue;
using domain::IdentityAttribute;
using domain::Session;

const domain::TenantId kTenant = tenant("t");

Session session_of(const std::string& customer, uint64_t number,
                   const domain::TenantId& t = kTenant) {
  Session session = plain_session(t, number);
  session.identity.customer_id = customer;
  return session;
}

AttributeValue customer(std::string value) {
  return {IdentityAttribute::customer_id, std::move(value)};
}

std::vector<domain::SessionId> ids_of(const std::vector<Session>& sessions) {
  std::vector<domain::SessionId> ids;
  for (const Session& session : sessions) ids.push_back(session.id);
  return ids;
}

std::vector<domain::SessionId> ids(std::initializer_list<uint64_t> numbers) {
  std::vector<domain::SessionId> all;
  for (const uint64_t number : numbers) all.push_back(session_id(number));
  return all;
}

TEST_P(Conformance, AnEmptyStoreListsAndCountsNothing) {
  const Query query{.tenant = kTenant};
  const SessionPage page = ask(store().find(query));
  EXPECT_TRUE(page.sessions.empty());
  EXPECT_FALSE(page.more);
  EXPECT_EQ(ask(store().count(kTenant)), domain::Counts{});
}

TEST_P(Conformance, ListsATenantsSessionsNewestFirst) {
  for (const uint64_t number : {3u, 1u, 5u, 2u, 4u}) {
    ASSERT_EQ(commit(creation(session_of("c", number))), CommitOutcome::committed);
  }
  for (const char* neighbour : {"s", "u", "tt", "tu"}) {
    ASSERT_EQ(commit(creation(session_of("c", 9, tenant(neighbour)))), CommitOutcome::committed);
  }
  for (const auto& where : {std::optional<AttributeValue>(), std::optional(customer("c"))}) {
    Query query{.tenant = kTenant, .where = where, .limit = 2};
    SessionPage page = ask(store().find(query));
    EXPECT_EQ(page.sessions, (std::vector{session_of("c", 5), session_of("c", 4)}));
    EXPECT_TRUE(page.more);
    query.below = session_id(4);
    EXPECT_EQ(ids_of(ask(store().find(query)).sessions), ids({3, 2}));
    query.below = session_id(2);
    page = ask(store().find(query));
    EXPECT_EQ(ids_of(page.sessions), ids({1}));
    EXPECT_FALSE(page.more);
    query.below = session_id(1);
    EXPECT_TRUE(ask(store().find(query)).sessions.empty());
    query.below = session_id(100);  // not stored: a place all the same
    EXPECT_EQ(ids_of(ask(store().find(query)).sessions), ids({5, 4}));
    query.below.reset();
    query.limit = 5;
    page = ask(store().find(query));
    EXPECT_EQ(ids_of(page.sessions), ids({5, 4, 3, 2, 1}));
    EXPECT_FALSE(page.more);
  }
}

TEST_P(Conformance, APageOfSessionsEndsWithTheSessionThatReachesItsBytes) {
  std::vector<Session> newest_first;
  for (uint64_t i = 10; i >= 1; --i) {
    Session session = session_of("c", i);
    session.attributes.assign(1'000 * i, 'x');
    ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
    newest_first.push_back(session);
  }
  const size_t two = page_bytes(newest_first[0]) + page_bytes(newest_first[1]);
  for (const auto& where : {std::optional<AttributeValue>(), std::optional(customer("c"))}) {
    for (const auto& [bytes, count] : {std::pair<size_t, size_t>{1, 1},
                                       {page_bytes(newest_first[0]), 1},
                                       {page_bytes(newest_first[0]) + 1, 2},
                                       {two, 2},
                                       {two + 1, 3},
                                       {kPageBytes, 10}}) {
      const Query query{.tenant = kTenant, .where = where, .bytes = bytes};
      const SessionPage page = ask(store().find(query));
      EXPECT_EQ(page.sessions.size(), count) << bytes;
      EXPECT_EQ(page.more, count < newest_first.size());
      EXPECT_EQ(walk(store(), home(), query), newest_first);
    }
  }
}

// Values of which one is the beginning of another, of every byte, and of the greatest length.
TEST_P(Conformance, FindsByTheWholeValueOnly) {
  const std::vector<std::string> values = {"a",
                                           "aa",
                                           "ab",
                                           "A",
                                           "b",
                                           std::string("a\0", 2),
                                           "\xFF",
                                           "\xFF\xFF",
                                           std::string(256, 'a'),
                                           std::string(256, '\xFF')};
  for (uint64_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(commit(creation(session_of(values[i], i))), CommitOutcome::committed);
  }
  for (uint64_t i = 0; i < values.size(); ++i) {
    const Query query{.tenant = kTenant, .where = customer(values[i])};
    EXPECT_EQ(ids_of(ask(store().find(query)).sessions), ids({i})) << i;
  }
  for (const std::string& nobodys : {std::string("c"), std::string(), std::string(257, 'a')}) {
    const Query query{.tenant = kTenant, .where = customer(nobodys)};
    EXPECT_TRUE(ask(store().find(query)).sessions.empty());
  }
  const Query by_agent{.tenant = kTenant,
                       .where = AttributeValue{IdentityAttribute::agent_id, "a"}};
  EXPECT_TRUE(ask(store().find(by_agent)).sessions.empty());
}

TEST_P(Conformance, AListFollowsEveryChange) {
  const Query by_a{.tenant = kTenant, .where = customer("a")};
  const Query by_b{.tenant = kTenant, .where = customer("b")};
  const Session first = session_of("a", 1);
  Session second = first;
  second.identity.customer_id = "b";
  Session third = second;
  third.identity.customer_id.clear();
  ASSERT_EQ(commit(creation(first)), CommitOutcome::committed);
  EXPECT_EQ(ask(store().find(by_a)).sessions, std::vector{first});
  ASSERT_EQ(commit(update(first, second)), CommitOutcome::committed);
  EXPECT_TRUE(ask(store().find(by_a)).sessions.empty());
  EXPECT_EQ(ask(store().find(by_b)).sessions, std::vector{second});
  ASSERT_EQ(commit(update(first, second)), CommitOutcome::conflict);
  ASSERT_EQ(commit(update(second, third)), CommitOutcome::committed);
  EXPECT_TRUE(ask(store().find(by_b)).sessions.empty());
  ASSERT_EQ(commit(update(third, first)), CommitOutcome::committed);
  ASSERT_EQ(commit(deletion(first)), CommitOutcome::committed);
  EXPECT_TRUE(ask(store().find(by_a)).sessions.empty());
  EXPECT_TRUE(ask(store().find(Query{.tenant = kTenant})).sessions.empty());
}

// As changes are while events are off.
TEST_P(Conformance, CountsAndListsWithoutEventsToo) {
  const auto silent = [](domain::Change change) {
    change.event.reset();
    return change;
  };
  Session anonymous = plain_session(kTenant, 1);
  anonymous.identity = {};
  Session named = anonymous;
  named.identity.customer_id = "c";
  ASSERT_EQ(commit(silent(creation(anonymous))), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), (domain::Counts{.named = 0, .anonymous = 1}));
  ASSERT_EQ(commit(silent(update(anonymous, named))), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), (domain::Counts{.named = 1, .anonymous = 0}));
  EXPECT_EQ(ids_of(ask(store().find({.tenant = kTenant, .where = customer("c")})).sessions),
            ids({1}));
  ASSERT_EQ(commit(silent(deletion(named))), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), domain::Counts{});
  EXPECT_TRUE(kept_events(store(), home(), kTenant).empty());
}

TEST_P(Conformance, CountsNamedAndAnonymousSessions) {
  Session anonymous = plain_session(kTenant, 1);
  anonymous.identity = {.global_visit_id = "a global visit names nobody"};
  Session named = anonymous;
  named.identity.visit_id = "v";
  ASSERT_EQ(commit(creation(anonymous)), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(session_of("c", 2))), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(session_of("c", 2, tenant("u")))), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), (domain::Counts{.named = 1, .anonymous = 1}));
  ASSERT_EQ(commit(update(anonymous, named)), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), (domain::Counts{.named = 2, .anonymous = 0}));
  ASSERT_EQ(commit(creation(anonymous)), CommitOutcome::conflict);
  EXPECT_EQ(ask(store().count(kTenant)), (domain::Counts{.named = 2, .anonymous = 0}));
  ASSERT_EQ(commit(deletion(named)), CommitOutcome::committed);
  ASSERT_EQ(commit(deletion(session_of("c", 2))), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), domain::Counts{});
  EXPECT_EQ(ask(store().count(tenant("u"))), (domain::Counts{.named = 1, .anonymous = 0}));
}

// Even numbers stay during all walks, odd ones come and go.
TEST_P(Conformance, AWalkFindsEachSessionThatStaysExactlyOnce) {
  constexpr uint64_t kStaying = 40;
  for (uint64_t i = 0; i < kStaying; ++i) {
    ASSERT_EQ(commit(creation(session_of("c", 2 * i))), CommitOutcome::committed);
  }
  std::atomic<uint64_t> walkers = kThreads / 2;
  on_threads(under_test(), [&](size_t thread, SessionStore& mine, TestExecutor& pump) {
    if (thread < kThreads / 2) {
      const DoneWithPart done(walkers);
      for (int round = 0; round < 10; ++round) {
        Query query{.tenant = kTenant, .limit = 3};
        if (thread == 1) query.where = customer("c");
        uint64_t staying = 0;
        std::optional<domain::SessionId> last;
        for (const Session& found : walk(mine, pump, query)) {
          EXPECT_TRUE(!last || found.id < *last);
          last = found.id;
          staying += found.id.bytes()[7] % 2 == 0 ? 1 : 0;
        }
        EXPECT_EQ(staying, kStaying);
      }
    } else {
      for (uint64_t i = thread; walkers.load() > 0; i += kThreads) {
        const Session passing = session_of("c", 2 * (i % kStaying) + 1);
        if (commit_to(mine, pump, creation(passing)) == CommitOutcome::committed) {
          commit_to(mine, pump, deletion(passing));
        }
      }
    }
  });
}

TEST_P(Conformance, CountsEqualAScanAfterChangesOfManyThreads) {
  on_threads(under_test(), [&](size_t thread, SessionStore& mine, TestExecutor& pump) {
    for (uint64_t i = 0; i < 40; ++i) {
      Session session = session_of("c", i);
      Session anonymous = session;
      anonymous.identity = {};
      switch ((i + thread) % 4) {
        case 0:
          commit_to(mine, pump, creation(session));
          break;
        case 1:
          commit_to(mine, pump, creation(anonymous));
          break;
        case 2:
          commit_to(mine, pump, update(anonymous, session));
          break;
        default:
          commit_to(mine, pump, deletion(session));
      }
    }
  });
  domain::Counts scanned;
  for (const Session& session : walk(store(), home(), {.tenant = kTenant, .limit = 7})) {
    ++(session.identity.anonymous() ? scanned.anonymous : scanned.named);
  }
  EXPECT_GT(scanned.named + scanned.anonymous, 0u);
  EXPECT_EQ(ask(store().count(kTenant)), scanned);
}

}  // namespace
}  // namespace sojourn::store::testing
