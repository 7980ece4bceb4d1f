// The conformance suite: what several threads see, each with a store object of its own.
#include <atomic>
#include <thread>

#include "testing/conformance.h"
#include "testing/sessions.h"
#include "threads.h"

namespace sojourn::store::testing {

void take_in_thread_tests() {}

namespace {

using domain::Session;

TEST_P(Conformance, ThreadsLoseNoUpdate) {
  constexpr uint64_t kIncrements = 50;
  Session first = plain_session(tenant("t"), 1);
  first.version = 0;
  ASSERT_EQ(commit(creation(first)), CommitOutcome::committed);

  on_threads(under_test(), [&](size_t, SessionStore& store, TestExecutor& home) {
    for (uint64_t i = 0; i < kIncrements; ++i) {
      // Every conflict means that another thread's increment was committed, so this ends.
      for (uint64_t tries = 0;; ++tries) {
        ASSERT_LE(tries, kThreads * kIncrements);
        const Session before = get_from(store, home, first.tenant, first.id).value();
        Session after = before;
        after.version += 1;
        after.attributes = std::to_string(after.version);
        if (commit_to(store, home, update(before, after)) == CommitOutcome::committed) break;
      }
    }
  });
  const Session last = get(first.tenant, first.id).value();
  EXPECT_EQ(last.version, kThreads * kIncrements);
  EXPECT_EQ(last.attributes, std::to_string(kThreads * kIncrements));
}

TEST_P(Conformance, ThreadsCreateSideBySide) {
  constexpr uint64_t kSessions = 50;
  on_threads(under_test(), [&](size_t thread, SessionStore& store, TestExecutor& home) {
    for (uint64_t i = 0; i < kSessions; ++i) {
      const Session session = plain_session(tenant("t"), i * kThreads + thread);
      ASSERT_EQ(commit_to(store, home, creation(session)), CommitOutcome::committed);
      ASSERT_EQ(get_from(store, home, session.tenant, session.id), session);
    }
  });
  for (uint64_t i = 0; i < kSessions * kThreads; ++i) {
    EXPECT_EQ(get(tenant("t"), session_id(i)), plain_session(tenant("t"), i));
  }
}

TEST_P(Conformance, OneOfManyCreationsOfTheSameIdWins) {
  constexpr uint64_t kIds = 20;
  std::atomic<uint64_t> won = 0;
  on_threads(under_test(), [&](size_t thread, SessionStore& store, TestExecutor& home) {
    for (uint64_t i = 0; i < kIds; ++i) {
      Session session = plain_session(tenant("t"), i);
      session.attributes = std::to_string(thread);
      if (commit_to(store, home, creation(session)) == CommitOutcome::committed) {
        ++won;
        ASSERT_EQ(get_from(store, home, session.tenant, session.id), session);
      } else {
        ASSERT_TRUE(get_from(store, home, session.tenant, session.id).has_value());
      }
    }
  });
  EXPECT_EQ(won.load(), kIds);
}

// What makes "over" final: touches in flight and ends of the same record race, and exactly one
// wins.
TEST_P(Conformance, OfTouchesAndEndsOfOneRecordExactlyOneWins) {
  constexpr uint64_t kRounds = 30;
  for (uint64_t i = 0; i < kRounds; ++i) {
    ASSERT_EQ(commit(creation(plain_session(tenant("t"), i))), CommitOutcome::committed);
  }
  std::atomic<uint64_t> won = 0, ended = 0;
  on_threads(under_test(), [&](size_t thread, SessionStore& mine, TestExecutor& pump) {
    for (uint64_t i = 0; i < kRounds; ++i) {
      const Session session = plain_session(tenant("t"), i);
      Session touched = session;
      touched.expires_at += Duration(1 + static_cast<int64_t>(thread));
      const bool end = thread % 2 == 1;
      const auto outcome =
          commit_to(mine, pump, end ? deletion(session) : touching(session, touched));
      if (outcome == CommitOutcome::committed) ++(end ? ended : won);
      const auto now = get_from(mine, pump, session.tenant, session.id);
      if (outcome == CommitOutcome::committed) {
        ASSERT_EQ(now, end ? std::nullopt : std::optional(touched));
      }
      ASSERT_NE(now, session) << "somebody won before anyone lost";
    }
  });
  EXPECT_EQ(won + ended, kRounds);
  EXPECT_EQ(walk(store(), home(), {.tenant = tenant("t")}).size(), won);
  uint64_t place = 0;
  EXPECT_EQ(read_events(store(), home(), tenant("t"), place, 100).size(), kRounds + ended);
}

TEST_P(Conformance, AReaderSeesWhatWasCommittedBeforeItRead) {
  constexpr uint64_t kChanges = 100;
  Session first = plain_session(tenant("t"), 1);
  first.version = 0;
  ASSERT_EQ(commit(creation(first)), CommitOutcome::committed);
  std::atomic<uint64_t> committed = 0;

  on_threads(under_test(), [&](size_t thread, SessionStore& store, TestExecutor& home) {
    if (thread == 0) {
      Session before = first;
      for (uint64_t i = 1; i <= kChanges; ++i) {
        Session after = before;
        after.version = i;
        ASSERT_EQ(commit_to(store, home, update(before, after)), CommitOutcome::committed);
        committed.store(i);
        before = after;
      }
    } else {
      for (uint64_t seen = 0; seen < kChanges;) {
        const uint64_t known = committed.load();
        seen = get_from(store, home, first.tenant, first.id).value().version;
        ASSERT_GE(seen, known);
        std::this_thread::yield();
      }
    }
  });
}

}  // namespace
}  // namespace sojourn::store::testing
