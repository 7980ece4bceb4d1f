// The index follows the option, whatever happens on the way.
#include <cerrno>

#include "file_operations.h"
#include "index_builder.h"
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using domain::IdentityAttribute;
using domain::Session;
using store::CommitOutcome;
using store::testing::creation;
using store::testing::deletion;
using store::testing::plain_session;
using store::testing::tenant;
using store::testing::walk;

constexpr uint64_t kMany = 10'000;  // more than two steps

Session session(uint64_t number) {
  Session session = plain_session(tenant("t"), number);
  session.identity.visit_id = number % 2 == 0 ? "even" : "odd";
  if (number % 3 == 0) session.identity.global_visit_id.clear();
  return session;
}

void create(TestEngine& engine, uint64_t count) {
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < count; ++i) changes.push_back(creation(session(i)));
  std::vector<Task<Result<CommitOutcome>>> tasks;
  for (const auto& change : changes) tasks.push_back(engine.store().commit(change));
  for (const auto& outcome : engine.home.run(when_all(std::move(tasks)))) {
    ASSERT_EQ(outcome, CommitOutcome::committed);
  }
}

store::Query by(IdentityAttribute attribute, std::string value) {
  return {.tenant = tenant("t"),
          .where = domain::AttributeValue{attribute, std::move(value)},
          .limit = 1000};
}

size_t found(TestEngine& engine, IdentityAttribute attribute, std::string value) {
  return walk(engine.store(), engine.home, by(attribute, std::move(value))).size();
}

Result<store::SessionPage> page(TestEngine& engine, const store::Query& query) {
  return engine.home.run(engine.store().find(query));
}

LmdbOptions options(const TestDirectory& directory) {
  return {.path = directory.data(), .map_size = 64 << 20};
}

TEST(LmdbIndex, AnAttributeThatIsNotIndexedIsRefusedWithWhatToDo) {
  const TestDirectory directory;
  TestEngine engine(options(directory));
  const auto refused = page(engine, by(IdentityAttribute::visit_id, "v"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_parameter);
  EXPECT_EQ(refused.error().detail,
            "Sessions cannot be listed by visitId; add \"visitId\" to the option sessions.index.");
}

TEST(LmdbIndex, FollowsTheOption) {
  const TestDirectory directory;
  TestEngine engine(options(directory));
  create(engine, kMany);
  EXPECT_EQ(check(*engine)->entries("index"), 2 * kMany);

  engine.options().indexed = {IdentityAttribute::visit_id, IdentityAttribute::global_visit_id,
                              IdentityAttribute::agent_id, IdentityAttribute::visit_id};
  engine.reopen();
  expect_sound(*engine);
  EXPECT_EQ(engine.log.count("store.index_ready"), 1u);
  EXPECT_EQ(found(engine, IdentityAttribute::visit_id, "even"), kMany / 2);
  EXPECT_EQ(found(engine, IdentityAttribute::global_visit_id, "global-7"), 1u);
  EXPECT_EQ(found(engine, IdentityAttribute::agent_id, "agent-7"), 1u);
  EXPECT_FALSE(page(engine, by(IdentityAttribute::customer_id, "customer-7")).has_value());
  ASSERT_EQ(engine.commit(deletion(session(8))), CommitOutcome::committed);
  EXPECT_EQ(found(engine, IdentityAttribute::visit_id, "even"), kMany / 2 - 1);
  expect_sound(*engine);

  engine.options().indexed = {};
  engine.reopen();
  EXPECT_EQ(check(*engine)->entries("index"), 0u);
  expect_sound(*engine);
  ASSERT_EQ(engine.commit(creation(session(8))), CommitOutcome::committed);

  engine.options().indexed = {IdentityAttribute::customer_id};
  engine.reopen();
  EXPECT_EQ(found(engine, IdentityAttribute::customer_id, "customer-8"), 1u);
  EXPECT_EQ(check(*engine)->entries("index"), kMany);
  expect_sound(*engine);
  const size_t built = engine.log.count("store.index_ready");
  engine.reopen();  // nothing is different: nothing is done
  EXPECT_EQ(engine.log.count("store.index_ready"), built);
}

// Fails one call after the other of a rebuild: the start is refused, or nothing was lost; what a
// later start finds is whole.
void sweep(FileCall call, FileVerdict verdict) {
  const TestDirectory directory;
  TestEngine engine(options(directory));
  create(engine, kMany);
  const std::vector<IdentityAttribute> sets[] = {
      {IdentityAttribute::visit_id, IdentityAttribute::agent_id},
      {IdentityAttribute::customer_id, IdentityAttribute::agent_id}};
  size_t now = 1;  // the set that the directory has
  uint64_t refused = 0;
  bool fired = true;
  for (uint64_t n = 1; fired; n += 1 + n / 8) {
    ASSERT_LT(n, 100'000u);
    engine.shut();
    engine.options().indexed = sets[1 - now];
    {
      std::atomic<uint64_t> calls = 0;
      const FileFault fault([&](FileCall made) {
        return made == call && ++calls == n ? verdict : FileVerdict::proceed();
      });
      try {
        engine.open();
      } catch (const std::runtime_error& error) {
        ++refused;
        // The first syncs are those of any start.
        const bool of_the_start = call == FileCall::sync && n <= 3;
        EXPECT_TRUE(
            contains(error.what(), of_the_start ? "cannot be opened" : "the option sessions.index"))
            << error.what();
      }
      fired = calls.load() >= n;
    }
    engine.shut();
    EXPECT_TRUE(check(directory.data())->sound());
    if (n % 3 != 0) now = 1 - now;  // on, or back
    engine.options().indexed = sets[now];
    engine.open();
    expect_sound(*engine);
    EXPECT_EQ(check(*engine)->entries("index"), 2 * kMany);
  }
  EXPECT_GT(refused, 3u);
}

TEST(LmdbIndex, ARebuildSurvivesAnyFailedWrite) { sweep(FileCall::write, FileVerdict::fail(EIO)); }
TEST(LmdbIndex, ARebuildSurvivesAnyFailedSync) { sweep(FileCall::sync, FileVerdict::fail(EIO)); }

TEST(LmdbIndex, SaysWhenThereIsNoRoomForIt) {
  const TestDirectory directory;
  TestEngine engine(options(directory));
  create(engine, 100);
  engine.shut();
  engine.options().indexed.push_back(IdentityAttribute::visit_id);
  {
    std::atomic<bool> started = false;
    const FileFault fault([&](FileCall call) {
      return started && call == FileCall::write ? FileVerdict::fail(ENOSPC)
                                                : FileVerdict::proceed();
    });
    started = true;
    try {
      engine.open();
      FAIL() << "it was opened";
    } catch (const std::runtime_error& error) {
      EXPECT_TRUE(contains(error.what(), "raise map_size, or index less")) << error.what();
    }
  }
  engine.open();
  EXPECT_EQ(found(engine, IdentityAttribute::visit_id, "odd"), 50u);
}

TEST(LmdbIndex, ADamagedRecordDoesNotStopTheStart) {
  const TestDirectory directory;
  TestEngine engine(options(directory));
  create(engine, 3);
  engine.shut();
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
    const encoding::SessionKeyBytes key(tenant("t"), session(1).id);
    ASSERT_EQ(put(transaction, tables.sessions, key.view(), "damaged"), 0);
  });
  engine.options().indexed = {IdentityAttribute::visit_id};
  engine.open();
  EXPECT_EQ(engine.log.count("store.record_damaged records=1"), 1u);
  EXPECT_EQ(found(engine, IdentityAttribute::visit_id, "even"), 2u);
}

}  // namespace
}  // namespace sojourn::lmdb
