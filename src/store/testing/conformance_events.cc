// The conformance suite: the log of events.
#include <atomic>
#include <map>

#include "testing/conformance.h"
#include "testing/sessions.h"
#include "threads.h"

namespace sojourn::store::testing {

void take_in_event_tests() {}

namespace {

using domain::Event;
using domain::Session;

const domain::TenantId kTenant = tenant("t");

Time at(int64_t milliseconds) { return Time(Duration(milliseconds)); }

// A creation whose event happened at `time`.
domain::Change creation_at(Time time, uint64_t number, const domain::TenantId& t = kTenant) {
  domain::Change change = creation(plain_session(t, number));
  change.event->time = time;
  return change;
}

TEST_P(Conformance, LogsTheEventOfEachChangeInOrder) {
  Session session = plain_session(kTenant, 1);
  Session changed = session;
  changed.version += 1;
  changed.attributes.assign(8192, 'x');
  Session touched = changed;
  touched.expires_at += Duration(1);
  const auto made = creation(session);
  const auto updated = update(session, changed);
  const auto over = deletion(touched);
  ASSERT_EQ(commit(made), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(plain_session(tenant("u"), 1))), CommitOutcome::committed);
  ASSERT_EQ(commit(made), CommitOutcome::conflict);
  ASSERT_EQ(commit(updated), CommitOutcome::committed);
  ASSERT_EQ(commit(touching(changed, touched)), CommitOutcome::committed);
  ASSERT_EQ(commit(over), CommitOutcome::committed);
  const std::vector<Event> expected = {*made.event, *updated.event, *over.event};
  for (const size_t limit : {1u, 2u, 3u, 100u}) {
    uint64_t place = 0;
    EXPECT_EQ(read_events(store(), home(), kTenant, place, limit), expected);
  }
  const auto first = events_after(0, 1);
  ASSERT_EQ(first.events.size(), 1u);
  EXPECT_EQ(events_after(first.next(), 1).events[0].event, *updated.event);
  EXPECT_TRUE(kept_events(store(), home(), tenant("nobody")).empty());
}

TEST_P(Conformance, AnEventKeepsEveryMember) {
  std::vector<Event> expected;
  for (const Session& session : extreme_sessions(kTenant)) {
    domain::Change change = creation(session);
    change.event->type = static_cast<domain::EventType>(1 + expected.size() % 5);
    change.event->cause = static_cast<domain::Cause>(1 + expected.size() % 7);
    change.event->time = session.expires_at;
    change.event->from = {session.identity, session.attributes};
    ASSERT_EQ(commit(change), CommitOutcome::committed);
    expected.push_back(*change.event);
  }
  EXPECT_EQ(kept_events(store(), home(), kTenant), expected);
  if (!reopen()) return;
  EXPECT_EQ(kept_events(store(), home(), kTenant), expected);
}

TEST_P(Conformance, TrimsTheOldestOfEachTenant) {
  const auto other = tenant("u");
  uint64_t number = 0;
  for (const int64_t time : {10, 20, 30, 5}) {  // the last one is late, and is kept behind 30
    ASSERT_EQ(commit(creation_at(at(time), ++number)), CommitOutcome::committed);
  }
  for (const int64_t time : {1, 2}) {
    ASSERT_EQ(commit(creation_at(at(time), ++number, other)), CommitOutcome::committed);
  }
  EXPECT_EQ(ask(store().trim_events(at(1), 100)), 0u);
  EXPECT_EQ(ask(store().trim_events(at(30), 100)), 4u);
  EXPECT_EQ(ask(store().trim_events(at(30), 100)), 0u);
  const auto kept = kept_events(store(), home(), kTenant);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].time, at(30));
  EXPECT_EQ(kept[1].time, at(5));
  EXPECT_TRUE(kept_events(store(), home(), other).empty());
}

TEST_P(Conformance, TrimsAtMostAsManyAsAsked) {
  uint64_t number = 0;
  for (const char* name : {"a", "b", "c"}) {
    for (int64_t time = 0; time < 5; ++time) {
      ASSERT_EQ(commit(creation_at(at(time), ++number, tenant(name))), CommitOutcome::committed);
    }
  }
  std::vector<size_t> counts;
  for (int i = 0; i < 4; ++i) counts.push_back(ask(store().trim_events(at(4), 5)));
  EXPECT_EQ(counts, (std::vector<size_t>{5, 5, 2, 0}));
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(kept_events(store(), home(), tenant(name)).size(), 1u);
  }
}

TEST_P(Conformance, ANumberIsNeverGivenTwice) {
  ASSERT_EQ(commit(creation_at(at(1), 1)), CommitOutcome::committed);
  ASSERT_EQ(commit(creation_at(at(1), 2)), CommitOutcome::committed);
  const auto before = events_after(0);
  ASSERT_EQ(before.events.size(), 2u);
  ASSERT_EQ(ask(store().trim_events(at(2), 10)), 2u);
  reopen();
  const auto again = creation_at(at(3), 3);
  ASSERT_EQ(commit(again), CommitOutcome::committed);
  const auto after = events_after(before.next());
  EXPECT_FALSE(after.gap);
  ASSERT_EQ(after.events.size(), 1u);
  EXPECT_EQ(after.events[0].event, *again.event);
  EXPECT_GT(after.events[0].number, before.next());
}

// Gaps

TEST_P(Conformance, ALogOfNothingHasOnePlace) {
  for (const std::optional<uint64_t> after :
       {std::optional<uint64_t>(), std::optional<uint64_t>(0)}) {
    const auto page = events_after(after);
    EXPECT_TRUE(page.events.empty());
    EXPECT_FALSE(page.gap);
    EXPECT_EQ(page.next(), 0u);
  }
  for (const uint64_t ahead : {uint64_t{1}, uint64_t{1} << 50, UINT64_MAX}) {
    const auto page = events_after(ahead);
    EXPECT_TRUE(page.gap);
    EXPECT_TRUE(page.events.empty());
    EXPECT_EQ(page.next(), 0u);
  }
}

TEST_P(Conformance, AGapIsToldWhereEventsWereRemoved) {
  for (uint64_t i = 1; i <= 4; ++i) {
    ASSERT_EQ(commit(creation_at(at(static_cast<int64_t>(i)), i)), CommitOutcome::committed);
  }
  const auto all = events_after(0).events;
  ASSERT_EQ(all.size(), 4u);
  const auto expect_page = [&](std::optional<uint64_t> after, bool gap, size_t first) {
    for (int round = 0; round < 2; ++round) {
      const auto page = events_after(after);
      EXPECT_EQ(page.gap, gap);
      ASSERT_EQ(page.events.size(), all.size() - first);
      if (!page.events.empty()) {
        EXPECT_EQ(page.events[0].number, all[first].number);
      }
      EXPECT_EQ(page.next(), all.back().number);
      // The place that the page follows is one of the log.
      EXPECT_FALSE(events_after(page.from).gap);
      EXPECT_EQ(events_after(page.from).events.size(), page.events.size());
      reopen();
    }
  };
  for (size_t i = 0; i < all.size(); ++i) expect_page(all[i].number, false, i + 1);
  ASSERT_EQ(ask(store().trim_events(at(3), 100)), 2u);
  expect_page(std::nullopt, false, 2);
  expect_page(0, true, 2);
  expect_page(all[0].number, true, 2);
  expect_page(all[1].number, false, 2);  // the last one that was removed: nothing is missed
  expect_page(all[2].number, false, 3);
  expect_page(all[3].number, false, 4);
  ASSERT_EQ(ask(store().trim_events(Time::max(), 100)), 2u);
  expect_page(std::nullopt, false, 4);
  expect_page(all[2].number, true, 4);
  expect_page(all[3].number, false, 4);
}

TEST_P(Conformance, APlaceOfAnotherLogIsAGap) {
  ASSERT_EQ(commit(creation(plain_session(kTenant, 1))), CommitOutcome::committed);
  const uint64_t first = events_after(0).next();
  ASSERT_EQ(commit(creation(plain_session(kTenant, 2))), CommitOutcome::committed);
  const uint64_t last = events_after(0).next();
  ASSERT_GT(last, first + 1) << "between two events that are committed apart there is room";

  const auto between = events_after(first + 1);
  EXPECT_TRUE(between.gap);
  EXPECT_EQ(between.from, first);
  ASSERT_EQ(between.events.size(), 1u);
  EXPECT_EQ(between.next(), last);

  for (const uint64_t place : {last + 1, last + (uint64_t{1} << 40), UINT64_MAX}) {
    const auto ahead = events_after(place);
    EXPECT_TRUE(ahead.gap);
    EXPECT_TRUE(ahead.events.empty());
    EXPECT_EQ(ahead.next(), last);
  }
  EXPECT_TRUE(events_after(first - 1).gap);
  EXPECT_EQ(events_after(first - 1).from, 0u);
}

// The log is off

domain::Change unlogged(domain::Change change) {
  change.logging = domain::Change::Logging::off;
  return change;
}

TEST_P(Conformance, AChangeThatIsNotLoggedLeavesNoOlderEvent) {
  const auto other = tenant("u");
  ASSERT_EQ(commit(creation(plain_session(kTenant, 1))), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(plain_session(kTenant, 2))), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(plain_session(other, 1))), CommitOutcome::committed);
  const uint64_t seen = events_after(0).next();
  ASSERT_EQ(commit(unlogged(deletion(plain_session(kTenant, 1)))), CommitOutcome::committed);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(kept_events(store(), home(), kTenant).empty());
    const auto page = events_after(seen);
    EXPECT_TRUE(page.gap);
    EXPECT_GT(page.next(), seen);
    EXPECT_FALSE(events_after(page.next()).gap);
    reopen();
  }
  EXPECT_EQ(kept_events(store(), home(), other).size(), 1u);

  // The log goes on as soon as it is on again, whether or not the rest is removed.
  const uint64_t end = events_after(seen).next();
  const auto next = deletion(plain_session(kTenant, 2));
  ASSERT_EQ(commit(next), CommitOutcome::committed);
  EXPECT_EQ(kept_events(store(), home(), kTenant), std::vector{*next.event});
  EXPECT_FALSE(events_after(end).gap);
  EXPECT_TRUE(events_after(seen).gap);
  ask(store().trim_events(at(-100), 100));  // what was cut off goes, although it is young
  EXPECT_EQ(ask(store().trim_events(Time::max(), 100)), 2u);  // one of each tenant
}

TEST_P(Conformance, EachChangeThatIsNotLoggedIsAGap) {
  ASSERT_EQ(commit(unlogged(creation(plain_session(kTenant, 1)))), CommitOutcome::committed);
  EXPECT_TRUE(events_after(0).gap);
  const uint64_t first = events_after({}).next();
  EXPECT_FALSE(events_after(first).gap);
  ASSERT_EQ(commit(unlogged(creation(plain_session(kTenant, 1)))), CommitOutcome::conflict);
  EXPECT_FALSE(events_after(first).gap) << "nothing happened";
  ASSERT_EQ(commit(unlogged(deletion(plain_session(kTenant, 1)))), CommitOutcome::committed);
  EXPECT_TRUE(events_after(first).gap);
}

// Everything else is as with the log on.
TEST_P(Conformance, AChangeThatIsNotLoggedChangesAllTheRest) {
  Session anonymous = plain_session(kTenant, 1);
  anonymous.identity = {};
  Session named = anonymous;
  named.identity.customer_id = "bob";
  named.version += 1;
  named.expires_at = at(50);
  ASSERT_EQ(commit(unlogged(creation(anonymous))), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), (domain::Counts{.named = 0, .anonymous = 1}));
  ASSERT_EQ(commit(unlogged(update(anonymous, named))), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), (domain::Counts{.named = 1, .anonymous = 0}));
  EXPECT_EQ(get(kTenant, named.id), named);
  const Query bobs{.tenant = kTenant,
                   .where = domain::AttributeValue{domain::IdentityAttribute::customer_id, "bob"}};
  EXPECT_EQ(ask(store().find(bobs)).sessions, std::vector{named});
  EXPECT_EQ(ask(store().due(at(50), 10)).size(), 1u);
  ASSERT_EQ(commit(unlogged(deletion(named))), CommitOutcome::committed);
  EXPECT_EQ(ask(store().count(kTenant)), domain::Counts{});
  EXPECT_TRUE(ask(store().find(bobs)).sessions.empty());
  EXPECT_TRUE(ask(store().due(at(50), 10)).empty());
}

// Pages

TEST_P(Conformance, APageOfEventsEndsWithTheEventThatReachesItsBytes) {
  std::vector<Event> expected;
  for (uint64_t i = 1; i <= 10; ++i) {
    Session session = plain_session(kTenant, i);
    session.attributes.assign(1'000 * i, 'x');
    const auto change = creation(session);
    ASSERT_EQ(commit(change), CommitOutcome::committed);
    expected.push_back(*change.event);
  }
  const size_t two = page_bytes(expected[0]) + page_bytes(expected[1]);
  for (const auto& [bytes, count] : {std::pair<size_t, size_t>{1, 1},
                                     {page_bytes(expected[0]), 1},
                                     {page_bytes(expected[0]) + 1, 2},
                                     {two, 2},
                                     {two + 1, 3},
                                     {kPageBytes, 10}}) {
    const auto page =
        ask(store().events({.tenant = kTenant, .after = 0, .limit = 100, .bytes = bytes}));
    EXPECT_EQ(page.events.size(), count) << bytes;
  }
}

// Writers commit; a reader goes on from its cursor.
TEST_P(Conformance, AReaderThatGoesOnMissesNothingAndSeesNothingTwice) {
  constexpr uint64_t kChanges = 60;
  constexpr uint64_t kWriters = kThreads - 1;
  std::atomic<uint64_t> writing = kWriters;
  on_threads(under_test(), [&](size_t thread, SessionStore& mine, TestExecutor& pump) {
    if (thread > 0) {
      const DoneWithPart done(writing);
      Session session = plain_session(kTenant, thread);
      EXPECT_EQ(commit_to(mine, pump, creation(session)), CommitOutcome::committed);
      for (uint64_t i = 1; i < kChanges; ++i) {
        Session after = session;
        after.version += 1;
        EXPECT_EQ(commit_to(mine, pump, update(session, after)), CommitOutcome::committed);
        session = after;
      }
      return;
    }
    std::map<domain::SessionId, uint64_t> versions;
    uint64_t place = 0;
    for (bool last = false; !last;) {
      last = writing.load() == 0;
      for (const Event& event : read_events(mine, pump, kTenant, place, 7)) {
        EXPECT_EQ(event.version, versions[event.session] + 1);  // in order, none lost, none twice
        versions[event.session] = event.version;
      }
    }
    for (uint64_t writer = 1; writer < kThreads; ++writer) {
      EXPECT_EQ(versions[session_id(writer)], kChanges);
    }
  });
}

TEST_P(Conformance, TrimmingBesideCommitsTakesOnlyWhatIsOld) {
  std::atomic<uint64_t> writing = kThreads - 1;
  std::atomic<size_t> trimmed = 0;
  on_threads(under_test(), [&](size_t thread, SessionStore& mine, TestExecutor& pump) {
    if (thread > 0) {
      const DoneWithPart done(writing);
      for (uint64_t i = 0; i < 30; ++i) {
        const auto change =
            creation_at(at(i < 20 ? 1 : 100), 1000 * thread + i, tenant(std::string(thread, 't')));
        EXPECT_EQ(commit_to(mine, pump, change), CommitOutcome::committed);
      }
      return;
    }
    for (bool last = false; !last;) {
      last = writing.load() == 0;
      while (const size_t count = answer_from(pump, mine.trim_events(at(50), 4))) trimmed += count;
    }
  });
  EXPECT_EQ(trimmed.load(), (kThreads - 1) * 20);
  for (size_t thread = 1; thread < kThreads; ++thread) {
    EXPECT_EQ(kept_events(store(), home(), tenant(std::string(thread, 't'))).size(), 10u);
  }
}

}  // namespace
}  // namespace sojourn::store::testing
