// The event log of the embedded store: its numbers, its trimming, and a list that meets damage.
#include "encoding/bytes.h"
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

Session session(uint64_t number) { return plain_session(tenant("t"), number); }

const Time kAfterAll = session(0).last_accessed_at + Duration(1);

std::vector<domain::LoggedEvent> events(TestEngine& engine, const std::string& cursor = "0") {
  return store::testing::answer_from(engine.home, engine.store().events(tenant("t"), cursor, 100));
}

size_t trim(TestEngine& engine, Time time, size_t limit) {
  return store::testing::answer_from(engine.home, engine.store().trim_events(time, limit));
}

TEST(LmdbEvents, NumbersGoOnAfterAllWasTrimmedAndReopened) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
  EXPECT_EQ(events(engine)[0].cursor, "1");
  EXPECT_EQ(events(engine)[2].cursor, "3");
  EXPECT_EQ(trim(engine, kAfterAll, 100), 3u);
  EXPECT_EQ(check(*engine)->events, 0u);
  engine.reopen();
  ASSERT_TRUE(engine.commit(creation(session(3))).has_value());
  ASSERT_EQ(events(engine).size(), 1u);
  EXPECT_EQ(events(engine)[0].cursor, "4");
  expect_sound(*engine);
}

TEST(LmdbEvents, AConflictTakesNoNumber) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::conflict);
  ASSERT_EQ(engine.commit(creation(session(2))), CommitOutcome::committed);
  EXPECT_EQ(events(engine)[1].cursor, "2");
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
  EXPECT_EQ(events(engine).size(), 1u);
}

TEST(LmdbEvents, ADamagedEventIsNeverSkippedAndGoesWithTheNextOne) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
  engine.shut();
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
    const std::string key = event_key(encoding::tenant_prefix(tenant("t")), 2);
    ASSERT_EQ(put(transaction, tables.events, key, "damaged"), 0);
  });
  engine.open();
  const auto page = engine.home.run(engine.store().events(tenant("t"), "0", 100));
  ASSERT_FALSE(page.has_value());
  EXPECT_EQ(page.error().kind, ErrorKind::store_unavailable);
  EXPECT_EQ(engine.log.count("store.record_damaged table=events"), 1u);
  EXPECT_EQ(events(engine, "2").size(), 2u);
  EXPECT_FALSE(check(*engine)->sound());
  EXPECT_EQ(trim(engine, kAfterAll, 1), 1u);
  EXPECT_EQ(trim(engine, kAfterAll, 1), 1u);  // the damaged one
  EXPECT_EQ(events(engine).size(), 2u);
  expect_sound(*engine);
}

TEST(LmdbEvents, AMissingNextNumberIsDamage) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  engine.shut();
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
    ASSERT_EQ(erase(transaction, tables.meta, kNextEvent), 0);
  });
  engine.open();
  EXPECT_FALSE(engine.commit(creation(session(2))).has_value());
  EXPECT_EQ(engine.get(session(2)), std::nullopt);
  EXPECT_EQ(events(engine).size(), 1u);
  EXPECT_FALSE(check(*engine)->sound());
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
  for (const auto& [table, count] : check(*engine)->tables()) EXPECT_GE(count, 1u) << table;
  domain::Change last = deletion(session(1));
  last.idempotency = {tenant("t"), "k", entry, std::nullopt};
  ASSERT_EQ(engine.commit(last), CommitOutcome::committed);
  EXPECT_EQ(trim(engine, kAfterAll, 100), 2u);
  for (const auto& [table, count] : check(*engine)->tables()) EXPECT_EQ(count, 0u) << table;
}

}  // namespace
}  // namespace sojourn::lmdb
