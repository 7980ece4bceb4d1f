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
    std::string cursor = domain::kBeginningOfLog;
    EXPECT_EQ(read_events(store(), home(), kTenant, cursor, limit), expected);
  }
  const auto first = ask(store().events(kTenant, domain::kBeginningOfLog, 1));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(ask(store().events(kTenant, first[0].cursor, 1))[0].event, *updated.event);
  EXPECT_TRUE(ask(store().events(tenant("nobody"), domain::kBeginningOfLog, 10)).empty());
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
  std::string cursor = domain::kBeginningOfLog;
  EXPECT_EQ(read_events(store(), home(), kTenant, cursor, 3), expected);
  if (!reopen()) return;
  cursor = domain::kBeginningOfLog;
  EXPECT_EQ(read_events(store(), home(), kTenant, cursor, 3), expected);
}

TEST_P(Conformance, RefusesWhatIsNoCursor) {
  ASSERT_EQ(commit(creation(plain_session(kTenant, 1))), CommitOutcome::committed);
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("1x"), std::string("-1"), std::string(" 1"),
        std::string("1 "), std::string("99999999999999999999999"), std::string("1\0", 2)}) {
    const auto page = home().run(store().events(kTenant, text, 10));
    ASSERT_FALSE(page.has_value()) << text;
    EXPECT_EQ(page.error().kind, ErrorKind::invalid_parameter);
  }
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
  const auto seen = ask(store().events(kTenant, domain::kBeginningOfLog, 2));
  EXPECT_EQ(ask(store().trim_events(at(1), 100)), 0u);
  EXPECT_EQ(ask(store().trim_events(at(30), 100)), 4u);
  EXPECT_EQ(ask(store().trim_events(at(30), 100)), 0u);
  std::string cursor = domain::kBeginningOfLog;
  const auto kept = read_events(store(), home(), kTenant, cursor, 10);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].time, at(30));
  EXPECT_EQ(kept[1].time, at(5));
  EXPECT_TRUE(ask(store().events(other, domain::kBeginningOfLog, 10)).empty());
  // A reader that was behind goes on with what is kept.
  EXPECT_EQ(ask(store().events(kTenant, seen[0].cursor, 10)).size(), 2u);
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
    EXPECT_EQ(ask(store().events(tenant(name), domain::kBeginningOfLog, 10)).size(), 1u);
  }
}

TEST_P(Conformance, ACursorIsNeverGivenTwice) {
  ASSERT_EQ(commit(creation_at(at(1), 1)), CommitOutcome::committed);
  ASSERT_EQ(commit(creation_at(at(1), 2)), CommitOutcome::committed);
  const auto before = ask(store().events(kTenant, domain::kBeginningOfLog, 10));
  ASSERT_EQ(before.size(), 2u);
  ASSERT_EQ(ask(store().trim_events(at(2), 10)), 2u);
  reopen();
  const auto again = creation_at(at(3), 3);
  ASSERT_EQ(commit(again), CommitOutcome::committed);
  const auto after = ask(store().events(kTenant, before[1].cursor, 10));
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].event, *again.event);
  EXPECT_NE(after[0].cursor, before[0].cursor);
  EXPECT_NE(after[0].cursor, before[1].cursor);
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
    std::string cursor = domain::kBeginningOfLog;
    for (bool last = false; !last;) {
      last = writing.load() == 0;
      for (const Event& event : read_events(mine, pump, kTenant, cursor, 7)) {
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
    std::string cursor = domain::kBeginningOfLog;
    EXPECT_EQ(read_events(store(), home(), tenant(std::string(thread, 't')), cursor, 100).size(),
              10u);
  }
}

}  // namespace
}  // namespace sojourn::store::testing
