// The embedded store when the disk fails or is full.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>

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
using store::testing::update;

Session session(uint64_t number) { return plain_session(tenant("t"), number); }

Session large_session(uint64_t number) {
  Session large = session(number);
  large.attributes.assign(8 * 1024, 'a');
  return large;
}

ErrorKind kind_of(const Result<CommitOutcome>& outcome) {
  return outcome ? ErrorKind::internal : outcome.error().kind;
}

// Makes the N-th call of one kind, and no other, come out as `verdict`.
class NthFault {
 public:
  NthFault(FileCall call, uint64_t n, FileVerdict verdict)
      : fault_([this, call, n, verdict](FileCall made) {
          if (made != call || ++calls_ != n) return FileVerdict::proceed();
          return verdict;
        }) {}

  bool fired(uint64_t n) const { return calls_.load() >= n; }

 private:
  std::atomic<uint64_t> calls_ = 0;
  const FileFault fault_;
};

// What was asked of a store and what it said, and whether it kept its word.
class Ledger {
 public:
  explicit Ledger(TestEngine& engine) : engine_(engine) {}

  void ask(const domain::Change& change) {
    const Session& subject = change.before ? *change.before : *change.after;
    const auto outcome = engine_.commit(change);
    auto& possible = possible_[subject.id];
    if (possible.empty()) possible.push_back(std::nullopt);
    if (!outcome) {
      ++failures_;
      possible.push_back(change.after);  // either way
    } else if (*outcome == CommitOutcome::committed) {
      possible = {change.after};
    }
  }

  // Every acknowledged change is there, every other one is there whole or not at all.
  void verify() {
    for (const auto& [id, possible] : possible_) {
      Session subject = session(0);
      subject.id = id;
      const auto found = engine_.get(subject);
      ASSERT_TRUE(found.has_value()) << found.error().detail;
      EXPECT_TRUE(std::ranges::find(possible, *found) != possible.end());
    }
    expect_sound(*engine_);
  }

  uint64_t failures() const { return failures_; }

 private:
  TestEngine& engine_;
  std::map<domain::SessionId, std::vector<std::optional<Session>>> possible_;
  uint64_t failures_ = 0;
};

// Small and large sessions, growing, shrinking, going.
void small_workload(Ledger& ledger) {
  for (uint64_t i = 0; i < 4; ++i) {
    ledger.ask(creation(session(i)));
    ledger.ask(creation(large_session(10 + i)));
  }
  Session changed = large_session(0);
  changed.identity.customer_id = "another";
  ledger.ask(update(session(0), changed));
  ledger.ask(update(large_session(10), session(10)));
  ledger.ask(deletion(session(1)));
  ledger.ask(deletion(large_session(11)));
}

// Fails the first, second, third, ... call of a workload until none is left to fail.
void sweep(FileCall call, FileVerdict verdict, std::optional<Duration> sync_interval) {
  uint64_t n = 1;
  for (bool fired = true; fired; ++n) {
    ASSERT_LT(n, 1000u);
    const TestDirectory directory;
    TestEngine engine(LmdbOptions{
        .path = directory.data(), .map_size = 16 << 20, .sync_interval = sync_interval});
    Ledger ledger(engine);
    {
      const NthFault fault(call, n, verdict);
      small_workload(ledger);
      if (sync_interval) engine->close();
      fired = fault.fired(n);
    }
    EXPECT_TRUE(fired || ledger.failures() == 0);
    if (engine->healthy()) {
      ledger.ask(creation(session(20)));
      ledger.verify();
    }
    engine.reopen();
    ledger.verify();
    ledger.ask(creation(session(21)));
    ledger.verify();
    EXPECT_EQ(engine.get(session(21)), session(21));
  }
  EXPECT_GT(n, 3u) << "the workload met no such call: is liblmdb still wrapped?";
}

TEST(LmdbFaults, SurvivesAnyFailedWrite) { sweep(FileCall::write, FileVerdict::fail(EIO), {}); }
TEST(LmdbFaults, SurvivesAnyShortWrite) { sweep(FileCall::write, FileVerdict::write_half(), {}); }
TEST(LmdbFaults, SurvivesAFullDiskAtAnyWrite) {
  sweep(FileCall::write, FileVerdict::fail(ENOSPC), {});
}
TEST(LmdbFaults, SurvivesAnyFailedSync) { sweep(FileCall::sync, FileVerdict::fail(EIO), {}); }
TEST(LmdbFaults, SurvivesAnyFailedWriteWithAnInterval) {
  sweep(FileCall::write, FileVerdict::fail(EIO), Duration(1));
}

TEST(LmdbFaults, AFailedWriteFailsItsBatchOnly) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  {
    const NthFault fault(FileCall::write, 1, FileVerdict::fail(EIO));
    EXPECT_EQ(kind_of(engine.commit(creation(session(2)))), ErrorKind::store_unavailable);
    EXPECT_TRUE(engine->healthy());
    EXPECT_EQ(engine.get(session(1)), session(1));
    EXPECT_EQ(engine.get(session(2)), std::nullopt);
    EXPECT_EQ(engine.commit(creation(session(2))), CommitOutcome::committed);
  }
  EXPECT_EQ(engine->counters().failed_batches, 1u);
  EXPECT_EQ(engine->counters().failed, 1u);
  EXPECT_EQ(engine.log.count("store.write_failed"), 1u);
}

TEST(LmdbFaults, NoRoomIsSaidAsSuch) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (const auto& verdict : {FileVerdict::fail(ENOSPC), FileVerdict::fail(EDQUOT),
                              FileVerdict::fail(EFBIG), FileVerdict::write_half()}) {
    const NthFault fault(FileCall::write, 1, verdict);
    EXPECT_EQ(kind_of(engine.commit(creation(session(1)))), ErrorKind::store_full);
    EXPECT_TRUE(engine->healthy());
  }
  EXPECT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
}

void stops_acknowledging(FileCall call, uint64_t n, bool reads_go_on) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  {
    const NthFault fault(call, n, FileVerdict::fail(EIO));
    EXPECT_EQ(kind_of(engine.commit(creation(session(2)))), ErrorKind::store_unavailable);
  }
  // The disk is well again; the store does not believe it.
  EXPECT_FALSE(engine->healthy());
  EXPECT_EQ(kind_of(engine.commit(creation(session(3)))), ErrorKind::store_unavailable);
  EXPECT_EQ(engine.log.count("store.sync_failed"), 1u);
  if (reads_go_on) {
    EXPECT_EQ(engine.get(session(1)), session(1));
    EXPECT_EQ(engine.get(session(2)), std::nullopt);
  } else {
    EXPECT_FALSE(engine.get(session(1)).has_value());
  }
  engine.reopen();
  EXPECT_TRUE(engine->healthy());
  EXPECT_EQ(engine.get(session(1)), session(1));
  EXPECT_EQ(engine.commit(creation(session(3))), CommitOutcome::committed);
}

TEST(LmdbFaults, StopsAcknowledgingAfterAFailedSync) {
  stops_acknowledging(FileCall::sync, 1, true);
}

// Counts the data writes of the commit that stops_acknowledging() fails: the next is the meta
// page's.
TEST(LmdbFaults, StopsAcknowledgingAfterAFailedWriteOfTheMetaPage) {
  uint64_t writes = 0;
  {
    const TestDirectory directory;
    TestEngine engine(directory.data());
    ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
    const FileFault count([&](FileCall call) {
      writes += call == FileCall::write ? 1 : 0;
      return FileVerdict::proceed();
    });
    ASSERT_TRUE(engine.commit(creation(session(2))).has_value());
  }
  ASSERT_GE(writes, 2u);
  stops_acknowledging(FileCall::write, writes, false);
}

TEST(LmdbFaults, StopsAcknowledgingAfterAFailedSyncOfAnInterval) {
  const TestDirectory directory;
  TestEngine engine(
      LmdbOptions{.path = directory.data(), .map_size = 1 << 20, .sync_interval = Duration(1)});
  const NthFault fault(FileCall::sync, 1, FileVerdict::fail(EIO));
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (engine->healthy() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(engine->healthy());
  EXPECT_EQ(engine.get(session(1)), session(1));
  EXPECT_EQ(kind_of(engine.commit(creation(session(2)))), ErrorKind::store_unavailable);
}

TEST(LmdbFaults, AnswersWhatWaitsWhenItStops) {
  const TestDirectory directory;
  TestEngine engine(LmdbOptions{.path = directory.data(), .map_size = 16 << 20, .max_batch = 4});
  const NthFault fault(FileCall::sync, 1, FileVerdict::fail(EIO));
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < 50; ++i) changes.push_back(creation(session(i)));
  std::vector<Task<Result<CommitOutcome>>> tasks;
  for (const auto& change : changes) tasks.push_back(engine.store().commit(change));
  for (auto& task : tasks) {
    EXPECT_EQ(kind_of(engine.home.run(std::move(task))), ErrorKind::store_unavailable);
  }
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
  EXPECT_EQ(engine.commit({.before = session(0), .after = touched, .event = {}}),
            CommitOutcome::committed);
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

TEST(LmdbFaults, CallsOutsideACommitAreNotWatched) {
  const NthFault fault(FileCall::sync, 1, FileVerdict::fail(EIO));
  const TestDirectory directory;
  const int fd = open((directory.path() / "f").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(fdatasync(fd), 0);
  EXPECT_EQ(pwrite(fd, "x", 1, 0), 1);
  close(fd);
  EXPECT_FALSE(fault.fired(1));
}

}  // namespace
}  // namespace sojourn::lmdb
