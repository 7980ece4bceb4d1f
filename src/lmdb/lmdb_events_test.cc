// The event log of the embedded store: its numbers and marks, its trimming, and a list that meets
// damage.
#include "encoding/bytes.h"
#include "encoding/event_record.h"
#include "event_logs.h"
#include "file_operations.h"
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::CommitOutcome;
using store::testing::creation;
using store::testing::deletion;
using store::testing::plain_session;
using store::testing::tenant;

constexpr Duration kDay = std::chrono::hours(24);

Session session(uint64_t number) { return plain_session(tenant("t"), number); }

const Time kAfterAll = session(0).last_accessed_at + Duration(1);

domain::EventPage page(TestEngine& engine, std::optional<uint64_t> after = {},
                       const std::string& name = "t") {
  const store::EventQuery query{.tenant = tenant(name), .after = after};
  return store::testing::answer_from(engine.home, engine.store().events(query));
}

std::vector<uint64_t> numbers(TestEngine& engine, const std::string& name = "t") {
  std::vector<uint64_t> all;
  for (const auto& event : page(engine, {}, name).events) all.push_back(event.number);
  return all;
}

size_t trim(TestEngine& engine, Time time, size_t limit) {
  return store::testing::answer_from(engine.home, engine.store().trim_events(time, limit));
}

domain::Change unlogged(domain::Change change) {
  change.logging = domain::Change::Logging::off;
  return change;
}

// The first number of a millisecond.
uint64_t number_at(const TestEngine& engine) { return event_number_of(engine.clock.now()); }

TEST(LmdbEvents, NumbersAreTimeAndRise) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  const uint64_t start = number_at(engine);
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
  EXPECT_EQ(numbers(engine), (std::vector{start, start + 1, start + 2}));
  engine.clock.advance(Duration(7));
  ASSERT_TRUE(engine.commit(creation(session(3))).has_value());
  EXPECT_EQ(numbers(engine).back(), start + 7'000);
  engine.clock.advance(-kDay);
  ASSERT_TRUE(engine.commit(creation(session(4))).has_value());
  EXPECT_EQ(numbers(engine).back(), start + 7'001) << "the clock went back, the log does not";
}

TEST(LmdbEvents, NumbersGoOnAfterAllWasTrimmedAndReopened) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
  const uint64_t last = numbers(engine).back();
  EXPECT_EQ(trim(engine, kAfterAll, 100), 3u);
  EXPECT_EQ(check(*engine)->entries("events"), 0u);
  engine.clock.advance(-kDay);
  engine.reopen();
  ASSERT_TRUE(engine.commit(creation(session(3))).has_value());
  EXPECT_EQ(numbers(engine), std::vector{last + 1});
  EXPECT_FALSE(page(engine, last).gap);
  expect_sound(*engine);
}

// Also within one transaction.
TEST(LmdbEvents, NumbersTellNothingOfOtherTenants) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < 100; ++i) {
    changes.push_back(creation(plain_session(tenant(i % 50 == 0 ? "t" : "other"), i)));
  }
  std::vector<Task<Result<CommitOutcome>>> commits;
  for (const domain::Change& change : changes) commits.push_back(engine.store().commit(change));
  for (const auto& outcome : engine.home.run(when_all(std::move(commits)))) {
    ASSERT_EQ(outcome, CommitOutcome::committed);
  }
  const uint64_t start = number_at(engine);
  EXPECT_EQ(numbers(engine), (std::vector{start, start + 1}));
  EXPECT_EQ(page(engine, {}, "other").events.front().number, start);
}

TEST(LmdbEvents, AConflictTakesNoNumber) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::conflict);
  ASSERT_EQ(engine.commit(creation(session(2))), CommitOutcome::committed);
  EXPECT_EQ(numbers(engine)[1], numbers(engine)[0] + 1);
}

TEST(LmdbEvents, TrimmingNothingWritesNothing) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  const uint64_t batches = engine->statistics().batches;
  EXPECT_EQ(trim(engine, session(1).last_accessed_at, 100), 0u);
  EXPECT_EQ(trim(engine, kAfterAll, 0), 0u);
  EXPECT_EQ(engine->statistics().batches, batches);
  EXPECT_EQ(trim(engine, kAfterAll, 100), 1u);
  EXPECT_EQ(engine->statistics().batches, batches + 1);
}

TEST(LmdbEvents, ATrimmingThatFailsTrimsNothing) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  {
    const FileFault fault([](FileCall call) {
      return call == FileCall::write ? FileVerdict::fail(EIO) : FileVerdict::proceed();
    });
    EXPECT_FALSE(engine.home.run(engine.store().trim_events(kAfterAll, 100)).has_value());
  }
  EXPECT_EQ(numbers(engine).size(), 1u);
  EXPECT_EQ(trim(engine, kAfterAll, 100), 1u) << "and it is tried again";
}

TEST(LmdbEvents, ADamagedEventIsNeverSkippedAndGoesWithTheNextOne) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
  const auto given = numbers(engine);
  engine.shut();
  tamper(directory.data(), [&](MDB_txn* transaction, const Tables& tables) {
    const std::string key = event_key(encoding::tenant_prefix(tenant("t")), given[1]);
    ASSERT_EQ(put(transaction, tables.events, key, "damaged"), 0);
  });
  engine.open();
  const store::EventQuery all{.tenant = tenant("t"), .after = 0};
  const auto read = engine.home.run(engine.store().events(all));
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().kind, ErrorKind::store_unavailable);
  EXPECT_EQ(engine.log.count("store.record_damaged table=events"), 1u);
  EXPECT_EQ(page(engine, given[1]).events.size(), 2u);
  EXPECT_FALSE(check(*engine)->sound());
  EXPECT_EQ(trim(engine, kAfterAll, 1), 1u);
  EXPECT_EQ(trim(engine, kAfterAll, 1), 1u);  // the damaged one
  EXPECT_EQ(numbers(engine).size(), 2u);
  expect_sound(*engine);
}

TEST(LmdbEvents, WhatIsNoEventKeepsNothingFromBeingTrimmed) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
  engine.shut();
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
    for (const std::string& key : {std::string("?"), std::string("\1s"), std::string("\1t\0\0", 4),
                                   std::string("\1u"), std::string("\xFF")}) {
      ASSERT_EQ(put(transaction, tables.events, key, "?"), 0);
    }
  });
  engine.open();
  EXPECT_EQ(trim(engine, kAfterAll, 100), 3u);
  EXPECT_EQ(trim(engine, kAfterAll, 100), 0u);
  // What is beside its log may have been an event of it.
  EXPECT_FALSE(engine.home.run(engine.store().events({.tenant = tenant("t")})).has_value());
}

// The last key of a log is none: its numbers go on all the same.
TEST(LmdbEvents, AKeyThatIsNoneKeepsNoChangeFromBeingMade) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  const uint64_t last = numbers(engine).back();
  engine.shut();
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
    ASSERT_EQ(put(transaction, tables.events, "\1t\xFF", "?"), 0);
  });
  engine.clock.advance(-kDay);
  engine.open();
  EXPECT_EQ(engine.commit(creation(session(2))), CommitOutcome::committed);
  const store::EventQuery one{.tenant = tenant("t"), .after = last, .limit = 1};
  const auto read = store::testing::answer_from(engine.home, engine.store().events(one));
  ASSERT_EQ(read.events.size(), 1u);
  EXPECT_EQ(read.events[0].number, last + 1);
}

// A log whose mark nobody can read is not read; the next change of it says that nothing is there.
TEST(LmdbEvents, ADamagedMarkIsNeverGuessedAt) {
  for (const bool trimming : {false, true}) {
    const TestDirectory directory;
    TestEngine engine(directory.data());
    for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
    const uint64_t last = numbers(engine).back();
    ASSERT_EQ(trim(engine, kAfterAll, 1), 1u);
    engine.shut();
    tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
      const std::string key = encoding::tenant_prefix(tenant("t"));
      std::string value(**find(transaction, *tables.logs, key));
      value[5] = static_cast<char>(value[5] ^ 1);
      ASSERT_EQ(put(transaction, *tables.logs, key, value), 0);
    });
    engine.open();
    engine.clock.advance(Duration(1));
    const store::EventQuery all{.tenant = tenant("t"), .after = {}};
    EXPECT_EQ(engine.home.run(engine.store().events(all)).error().kind,
              ErrorKind::store_unavailable);
    EXPECT_FALSE(check(*engine)->sound());
    if (trimming) {
      EXPECT_EQ(trim(engine, kAfterAll, 1), 1u);
      EXPECT_TRUE(numbers(engine).empty());
    } else {
      ASSERT_EQ(engine.commit(creation(session(4))), CommitOutcome::committed);
      EXPECT_EQ(engine.log.count("store.tables_disagree"), 1u);
      ASSERT_EQ(numbers(engine).size(), 1u);
      EXPECT_GT(numbers(engine).front(), last);
    }
    EXPECT_TRUE(page(engine, last).gap);
    expect_sound(*engine);
  }
}

TEST(LmdbEvents, WhatWasCutOffIsTrimmedInSteps) {
  for (const bool reopened : {false, true}) {
    const TestDirectory directory;
    TestEngine engine(directory.data());
    for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
    EXPECT_EQ(trim(engine, Time(), 4), 0u);
    ASSERT_EQ(engine.commit(unlogged(deletion(session(0)))), CommitOutcome::committed);
    ASSERT_EQ(engine.commit(deletion(session(1))), CommitOutcome::committed);
    if (reopened) engine.reopen();
    EXPECT_EQ(check(*engine)->entries("events"), 11u);
    EXPECT_EQ(numbers(engine).size(), 1u);
    std::vector<size_t> counts;
    for (int i = 0; i < 4; ++i) counts.push_back(trim(engine, Time(), 4));
    EXPECT_EQ(counts, (std::vector<size_t>{4, 4, 2, 0}));
    EXPECT_EQ(numbers(engine).size(), 1u);
    expect_sound(*engine);
  }
}

TEST(LmdbEvents, TheMarkOfAnEmptyLogIsForgottenAtLast) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  ASSERT_EQ(engine.commit(creation(plain_session(tenant("busy"), 1))), CommitOutcome::committed);
  const uint64_t last = numbers(engine).back();
  EXPECT_EQ(trim(engine, kAfterAll, 100), 2u);
  engine.clock.advance(399 * kDay);
  ASSERT_EQ(engine.commit(creation(plain_session(tenant("busy"), 2))), CommitOutcome::committed);
  trim(engine, Time(), 100);
  EXPECT_EQ(check(*engine)->entries("logs"), 2u);
  EXPECT_FALSE(page(engine, last).gap);
  engine.clock.advance(2 * kDay);
  trim(engine, Time(), 100);
  EXPECT_EQ(check(*engine)->entries("logs"), 1u) << "of the log that has an event it stays";
  EXPECT_TRUE(page(engine, 0, "busy").gap);
  EXPECT_TRUE(page(engine, last).gap) << "a place that nobody knows any more";
  EXPECT_FALSE(page(engine, 0).gap);
  ASSERT_EQ(engine.commit(deletion(session(1))), CommitOutcome::committed);
  EXPECT_GT(numbers(engine).front(), last);
  expect_sound(*engine);
}

// Between the look at the marks and the transaction, or earlier in the same one.
TEST(LmdbEvents, TheMarkOfALogThatIsUsedAgainIsNotForgotten) {
  constexpr uint64_t kMark = 7;
  const auto body = encoding::encoded_event(*creation(session(1)).event);
  const std::string log = encoding::tenant_prefix(tenant("t"));
  for (const bool event_is_kept : {true, false}) {
    const TestDirectory directory;
    tamper(directory.data(), [&](MDB_txn* transaction, const Tables& tables) {
      ASSERT_EQ(put_mark(transaction, tables, log, kMark), 0);
      EventLogs logs(transaction, tables, Time());
      ASSERT_EQ(event_is_kept ? logs.append(log, body) : logs.drop(log), 0);
      ASSERT_EQ(logs.trim({.events = {}, .marks = {{log, kMark}}}), 0u);
      ASSERT_EQ(logs.finish(), 0);
      const auto mark = mark_of(transaction, tables, log).value();
      ASSERT_TRUE(mark.has_value());
      EXPECT_EQ(*mark == kMark, event_is_kept);
      EXPECT_GE(*mark, kMark);
    });
  }
}

TEST(LmdbLists, AListThatMeetsDamageIsRefused) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
  engine.shut();
  using domain::IdentityAttribute;
  const std::string stray = encoding::index_key(tenant("t"), IdentityAttribute::agent_id,
                                                session(0).identity.agent_id, session(1).id);
  const std::string gone = encoding::index_key(tenant("t"), IdentityAttribute::agent_id, "gone",
                                               plain_session(tenant("t"), 99).id);
  tamper(directory.data(), [&](MDB_txn* transaction, const Tables& tables) {
    ASSERT_EQ(put(transaction, tables.index, stray, {}), 0);
    ASSERT_EQ(put(transaction, tables.index, gone, {}), 0);
    const encoding::SessionKeyBytes key(tenant("t"), session(2).id);
    ASSERT_EQ(put(transaction, tables.sessions, key.view(), "damaged"), 0);
  });
  engine.open();
  for (const std::string& value :
       {session(0).identity.agent_id, std::string("gone"), session(2).identity.agent_id}) {
    const store::Query query{.tenant = tenant("t"),
                             .where = domain::AttributeValue{IdentityAttribute::agent_id, value}};
    const auto page = engine.home.run(engine.store().find(query));
    ASSERT_FALSE(page.has_value()) << value;
    EXPECT_EQ(page.error().kind, ErrorKind::store_unavailable);
  }
  const auto page = engine.home.run(engine.store().find({.tenant = tenant("t")}));
  EXPECT_FALSE(page.has_value());
  EXPECT_EQ(engine->statistics().damaged_reads, 4u);
}

TEST(LmdbEvents, AnEmptiedStoreHasEmptyTables) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  domain::Change change = creation(session(1));
  const auto entry = store::testing::idempotency_entry(1, Time());
  change.idempotency = {tenant("t"), "k", std::nullopt, entry};
  ASSERT_EQ(engine.commit(change), CommitOutcome::committed);
  const auto full = check(*engine);
  for (const auto& [table, count] : full->tables) {
    EXPECT_GE(count, table == "logs" ? 0u : 1u) << table;
  }
  domain::Change last = deletion(session(1));
  last.idempotency = {tenant("t"), "k", entry, std::nullopt};
  ASSERT_EQ(engine.commit(last), CommitOutcome::committed);
  EXPECT_EQ(trim(engine, kAfterAll, 100), 2u);
  const auto emptied = check(*engine);
  for (const auto& [table, count] : emptied->tables) {
    EXPECT_EQ(count, table == "logs" ? 1u : 0u) << table;
  }
  engine.clock.advance(401 * kDay);
  EXPECT_EQ(trim(engine, kAfterAll, 100), 0u);
  const auto forgotten = check(*engine);
  for (const auto& [table, count] : forgotten->tables) EXPECT_EQ(count, 0u) << table;
}

}  // namespace
}  // namespace sojourn::lmdb
