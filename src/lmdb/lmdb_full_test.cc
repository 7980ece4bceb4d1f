// The embedded store when its map is full.
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::CommitOutcome;
using store::testing::creation;
using store::testing::deletion;
using store::testing::plain_session;
using store::testing::tenant;
using store::testing::touching;

Session session(uint64_t number) { return plain_session(tenant("t"), number); }

Session large_session(uint64_t number) {
  Session large = session(number);
  large.attributes.assign(8 * 1024, 'a');
  return large;
}

// Without a sync at each commit: these tests make thousands.
LmdbOptions small_map(const TestDirectory& directory) {
  return {.path = directory.data(), .map_size = 1 << 20, .sync_interval = Duration(60'000)};
}

// Creates until there is no room: how many there are then.
uint64_t fill(TestEngine& engine) {
  for (uint64_t i = 0; i < 100'000; ++i) {
    const auto outcome = engine.commit(creation(session(i)));
    if (!outcome) {
      EXPECT_EQ(outcome.error().kind, ErrorKind::store_full);
      return i;
    }
  }
  return 0;
}

TEST(LmdbFull, AFullMapStillReadsUpdatesAndDeletes) {
  const TestDirectory directory;
  TestEngine engine(small_map(directory));
  const uint64_t count = fill(engine);
  ASSERT_GT(count, 100u);
  EXPECT_TRUE(engine->healthy());
  EXPECT_GE(engine.log.count("store.full"), 1u);
  for (uint64_t i = 0; i < count; ++i) ASSERT_EQ(engine.get(session(i)), session(i));

  Session touched = session(0);
  touched.expires_at += Duration(1);
  EXPECT_EQ(engine.commit(touching(session(0), touched)), CommitOutcome::committed);
  for (uint64_t i = 1; i < count; ++i) {
    ASSERT_EQ(engine.commit(deletion(session(i))), CommitOutcome::committed) << i;
  }
  expect_sound(*engine);
  // What was freed can be used again.
  EXPECT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
}

TEST(LmdbFull, AMixedBatchLosesOnlyWhatGrows) {
  const TestDirectory directory;
  TestEngine engine(small_map(directory));
  const uint64_t count = fill(engine);
  ASSERT_GT(count, 100u);
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < 20; ++i) {
    changes.push_back(creation(large_session(count + 1 + i)));
    changes.push_back(deletion(session(i)));
  }
  std::vector<Task<Result<CommitOutcome>>> tasks;
  for (const auto& change : changes) tasks.push_back(engine.store().commit(change));
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto outcome = engine.home.run(std::move(tasks[i]));
    if (i % 2 == 1) {
      EXPECT_EQ(outcome, CommitOutcome::committed) << i;
    } else if (!outcome) {
      EXPECT_EQ(outcome.error().kind, ErrorKind::store_full);
    }
  }
  expect_sound(*engine);
}

// Asks for all of `changes` at once: the outcomes in their order.
std::vector<Result<CommitOutcome>> at_once(TestEngine& engine,
                                           const std::vector<domain::Change>& changes) {
  std::vector<Task<Result<CommitOutcome>>> tasks;
  for (const auto& change : changes) tasks.push_back(engine.store().commit(change));
  return engine.home.run(when_all(std::move(tasks)));
}

// Filled, emptied of most, filled again: what was answered is there, what was refused is not.
// Batches are larger than those that go on once the room that is kept was used, so they are taken
// apart.
TEST(LmdbFull, CrowdsOfChangesAreAnsweredAsTheyCameOut) {
  const TestDirectory directory;
  LmdbOptions options = small_map(directory);
  options.max_batch = 48;
  TestEngine engine(options);
  std::vector<bool> there;
  const auto create = [&](uint64_t first, uint64_t count) {
    std::vector<domain::Change> changes;
    for (uint64_t i = 0; i < count; ++i) changes.push_back(creation(session(first + i)));
    there.resize(first + count);
    uint64_t refused = 0;
    const auto outcomes = at_once(engine, changes);
    for (uint64_t i = 0; i < count; ++i) {
      there[first + i] = outcomes[i] == CommitOutcome::committed;
      if (outcomes[i]) continue;
      EXPECT_EQ(outcomes[i].error().kind, ErrorKind::store_full);
      ++refused;
    }
    return refused;
  };
  ASSERT_GT(create(0, 3'000), 0u) << "it was filled";
  for (int round = 1; round <= 3; ++round) {
    std::vector<domain::Change> ends;
    std::vector<uint64_t> ended;
    for (uint64_t i = 0; i < there.size(); ++i) {
      if (!there[i] || i % 10 == 0) continue;
      ends.push_back(deletion(session(i)));
      ended.push_back(i);
    }
    const auto outcomes = at_once(engine, ends);
    for (uint64_t i = 0; i < ended.size(); ++i) {
      if (outcomes[i]) there[ended[i]] = false;
    }
    create(there.size(), 1'500);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < there.size(); ++i) {
      const auto found = engine.get(session(i));
      wrong += !found || found->has_value() != there[i];
    }
    EXPECT_EQ(wrong, 0u) << "in round " << round;
    expect_sound(*engine);
  }
}

TEST(LmdbFull, ALargerMapGoesOnAndASmallerOneKeepsWhatThereIs) {
  const TestDirectory directory;
  TestEngine engine(small_map(directory));
  const uint64_t count = fill(engine);
  engine.options().map_size = 4 << 20;
  engine.reopen();
  EXPECT_EQ(engine.get(session(0)), session(0));
  const uint64_t more = 2 * count;
  for (uint64_t i = count; i < more; ++i) {
    ASSERT_EQ(engine.commit(creation(session(i))), CommitOutcome::committed);
  }
  engine.options().map_size = 1 << 20;
  engine.reopen();
  for (uint64_t i = 0; i < more; ++i) ASSERT_EQ(engine.get(session(i)), session(i));
  EXPECT_EQ(engine.commit(deletion(session(0))), CommitOutcome::committed);
  expect_sound(*engine);
}

// Ends write events, filing anew moves entries, keys go: all of it in a map that is full.
TEST(LmdbFull, AFullMapCanBeEmptied) {
  const TestDirectory directory;
  TestEngine engine(small_map(directory));
  const uint64_t count = fill(engine);
  for (uint64_t i = 0; i < count; ++i) {
    Session later = session(i);
    later.expires_at += Duration(static_cast<int64_t>(1'000'000 - i));
    domain::Change change = touching(session(i), later);
    change.expiry = domain::Change::Expiry::refile;
    ASSERT_EQ(engine.commit(change), CommitOutcome::committed) << i;
    const bool back = i % 2 == 0;
    if (back) {
      ASSERT_EQ(engine.commit(touching(later, session(i))), CommitOutcome::committed) << i;
    }
    ASSERT_EQ(engine.commit(deletion(back ? session(i) : later)), CommitOutcome::committed) << i;
  }
  expect_sound(*engine);
  EXPECT_EQ(check(*engine)->entries("sessions"), 0u);
  EXPECT_EQ(check(*engine)->entries("events"), 2 * count);
  EXPECT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
}

// The worst that ends can do: far apart, so that no page becomes empty. Their part of the room runs
// out at last; trimming still finds some, and then they go on.
TEST(LmdbFull, TrimmingFindsRoomWhenEndsFindNone) {
  const TestDirectory directory;
  TestEngine engine(small_map(directory));
  const uint64_t count = fill(engine);
  const Time after_all = session(0).last_accessed_at + Duration(1);
  uint64_t refused = 0;
  for (uint64_t step = 0; step < 64; ++step) {
    for (uint64_t i = step; i < count; i += 64) {
      auto outcome = engine.commit(deletion(session(i)));
      while (!outcome) {
        ASSERT_EQ(outcome.error().kind, ErrorKind::store_full);
        ASSERT_LT(++refused, count);
        const size_t trimmed =
            store::testing::answer_from(engine.home, engine.store().trim_events(after_all, 100));
        ASSERT_GT(trimmed, 0u);
        outcome = engine.commit(deletion(session(i)));
      }
      ASSERT_EQ(*outcome, CommitOutcome::committed);
    }
  }
  EXPECT_EQ(check(*engine)->entries("sessions"), 0u);
  expect_sound(*engine);
}

TEST(LmdbFull, CreationsNeverUseTheRoomOfEnds) {
  const TestDirectory directory;
  TestEngine engine(small_map(directory));
  const uint64_t count = fill(engine);
  const auto size = [&] { return std::filesystem::file_size(directory.data() / "data.mdb"); };
  EXPECT_LE(size(), (1u << 20) * 3 / 4);
  for (uint64_t i = 0; i < 100; ++i) {
    domain::Change with_key = creation(session(count + 1 + i));
    with_key.idempotency = {tenant("t"), "k" + std::to_string(i), std::nullopt,
                            store::testing::idempotency_entry(i, Time())};
    if (engine.commit(with_key)) continue;  // small ones may still fit
    with_key.before.reset(), with_key.after.reset(), with_key.event.reset();
    engine.commit(with_key);
  }
  EXPECT_LE(size(), (1u << 20) * 3 / 4);
}

}  // namespace
}  // namespace sojourn::lmdb
