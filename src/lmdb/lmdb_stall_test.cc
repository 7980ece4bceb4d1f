// The embedded store when the disk does not answer.
#include <cerrno>
#include <latch>

#include "base/eventually.h"
#include "committer.h"
#include "file_operations.h"
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::CommitOutcome;
using store::Trouble;
using store::testing::creation;
using store::testing::deletion;
using store::testing::plain_session;
using store::testing::tenant;
using Commit = Task<Result<CommitOutcome>>;

Session session(uint64_t number) { return plain_session(tenant("t"), number); }

// Holds the committer in its next sync until release(), which says how that sync ends. Before that,
// fails its next write with `first_write`, an errno, if it is not 0.
class HungSync {
 public:
  explicit HungSync(int first_write = 0) : first_write_(first_write) {}
  ~HungSync() { release(FileVerdict::proceed()); }

  void wait_until_held() { held_.wait(); }
  void release(FileVerdict verdict) {
    if (released_) return;
    released_ = true;
    verdict_ = verdict;
    open_.count_down();
  }

 private:
  FileVerdict verdict_of(FileCall call) {
    if (call == FileCall::write) {
      const int error = first_write_.exchange(0);
      return error == 0 ? FileVerdict::proceed() : FileVerdict::fail(error);
    }
    if (!first_.exchange(false)) return FileVerdict::proceed();
    held_.count_down();
    open_.wait();
    return verdict_;
  }

  std::atomic<int> first_write_;
  bool released_ = false;
  FileVerdict verdict_;
  std::atomic<bool> first_ = true;
  std::latch held_{1};
  std::latch open_{1};
  const FileFault fault_{[this](FileCall call) { return verdict_of(call); }};
};

LmdbOptions impatient(const TestDirectory& directory) {
  return {.path = directory.data(), .map_size = 1 << 20, .commit_timeout = Duration(40)};
}

// A commit that is waited for in the background.
class Waiting {
 public:
  explicit Waiting(Commit commit) : commit_(std::move(commit)) {
    done_ = commit_.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done_);
  }
  Waiting(const Waiting&) = delete;

  Result<CommitOutcome> outcome(TestEngine& engine) {
    engine.home.pump_until([this] { return done_; });
    return commit_.take();
  }

 private:
  Commit commit_;
  bool done_ = false;
};

std::string refusal_of(TestEngine& engine, Commit commit) {
  const auto outcome = engine.home.run(std::move(commit));
  EXPECT_FALSE(outcome.has_value());
  if (outcome) return {};
  EXPECT_EQ(outcome.error().kind, ErrorKind::store_unavailable);
  return outcome.error().detail;
}

TEST(LmdbStall, NobodyWaitsForADiskThatDoesNotAnswer) {
  const TestDirectory directory;
  TestEngine engine(impatient(directory));
  ASSERT_EQ(engine.commit(creation(session(0))), CommitOutcome::committed);
  EXPECT_EQ(engine->trouble(), std::nullopt);
  const auto first = creation(session(1)), second = creation(session(2));
  {
    HungSync disk;
    Waiting at_the_disk(engine.store().commit(first));
    disk.wait_until_held();
    auto waiting = engine.store().commit(second);
    EXPECT_TRUE(contains(refusal_of(engine, std::move(waiting)), "nothing was changed"));
    ASSERT_TRUE(eventually([&] { return engine->trouble().has_value(); }));
    EXPECT_EQ(engine->trouble()->ends, Trouble::Ends::by_itself);
    EXPECT_FALSE(engine->healthy());
    EXPECT_EQ(engine.get(session(0)), session(0)) << "reads go on";
    // At once: nothing would ever wake this one.
    EXPECT_TRUE(contains(refusal_of(engine, engine.store().commit(second)), "cannot take changes"));
    const auto outcome = at_the_disk.outcome(engine);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().kind, ErrorKind::store_unavailable);
    EXPECT_TRUE(contains(outcome.error().detail, "may still be made")) << outcome.error().detail;
  }
  ASSERT_TRUE(eventually([&] { return engine->healthy(); }));
  EXPECT_EQ(engine.log.count("store.stalled"), 1u);
  EXPECT_EQ(engine.log.count("store.recovered"), 1u);
  EXPECT_EQ(engine.commit(creation(session(3))), CommitOutcome::committed);
  EXPECT_EQ(engine.get(session(1)), session(1)) << "it was made after all";
  EXPECT_EQ(engine.get(session(2)), std::nullopt);
  EXPECT_EQ(engine->statistics().timed_out, 2u);
  EXPECT_EQ(engine->statistics().failed, 1u);
  EXPECT_EQ(engine->statistics().committed, 3u);
  EXPECT_EQ(engine->statistics().refused, 1u);
  expect_sound(*engine);
}

TEST(LmdbStall, ADiskThatFailsAfterAllStopsTheStore) {
  const TestDirectory directory;
  TestEngine engine(impatient(directory));
  const auto change = creation(session(1));
  {
    HungSync disk;
    auto commit = engine.store().commit(change);
    refusal_of(engine, std::move(commit));
    ASSERT_TRUE(eventually([&] { return engine->trouble().has_value(); }));
    disk.release(FileVerdict::fail(EIO));
    ASSERT_TRUE(eventually([&] { return engine->trouble()->ends == Trouble::Ends::by_restart; }));
  }
  EXPECT_EQ(engine.log.count("store.sync_failed"), 1u);
  EXPECT_EQ(engine.log.count("store.recovered"), 0u);
  EXPECT_FALSE(engine.commit(creation(session(2))).has_value());
  EXPECT_EQ(engine.get(session(1)), std::nullopt);
}

TEST(LmdbStall, TheSyncOfAnIntervalIsWaitedForNoLonger) {
  const TestDirectory directory;
  LmdbOptions options = impatient(directory);
  options.sync_interval = Duration(1);
  TestEngine engine(options);
  const auto change = creation(session(2));
  {
    HungSync disk;
    ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
    disk.wait_until_held();
    refusal_of(engine, engine.store().commit(change));
    ASSERT_TRUE(eventually([&] { return engine->trouble().has_value(); }));
  }
  ASSERT_TRUE(eventually([&] { return engine->healthy(); }));
  EXPECT_EQ(engine.get(session(2)), std::nullopt);
  EXPECT_EQ(engine.commit(change), CommitOutcome::committed);
}

// After a write that failed, the committer tries one of its own.
TEST(LmdbStall, AWriteThatOnlyTriesTheDiskIsWaitedForNoLonger) {
  const TestDirectory directory;
  TestEngine engine(impatient(directory));
  ASSERT_EQ(engine.commit(creation(session(0))), CommitOutcome::committed);
  const auto change = creation(session(1));
  {
    HungSync disk(EIO);
    refusal_of(engine, engine.store().commit(change));
    disk.wait_until_held();
    ASSERT_TRUE(eventually([&] { return engine->trouble().has_value(); }));
    EXPECT_EQ(engine->trouble()->status, "store_unavailable");
    EXPECT_EQ(engine->trouble()->ends, Trouble::Ends::by_itself);
    EXPECT_TRUE(contains(refusal_of(engine, engine.store().commit(change)), "cannot take changes"));
  }
  ASSERT_TRUE(eventually([&] { return engine->healthy(); }));
  EXPECT_EQ(engine.log.count("store.recovered"), 1u);
  EXPECT_EQ(engine.commit(change), CommitOutcome::committed);
}

TEST(LmdbStall, ClosingAnswersWhatWaitsAndComesToItsEndWithTheDisk) {
  const TestDirectory directory;
  TestEngine engine(impatient(directory));
  const auto first = creation(session(1)), second = creation(session(2));
  std::thread closing;
  {
    HungSync disk;
    Waiting at_the_disk(engine.store().commit(first));
    disk.wait_until_held();
    auto waiting = engine.store().commit(second);
    closing = std::thread([&] { engine->close(); });
    refusal_of(engine, std::move(waiting));
    EXPECT_FALSE(at_the_disk.outcome(engine).has_value());
  }
  closing.join();
  EXPECT_EQ(engine->trouble()->ends, Trouble::Ends::by_restart);
  EXPECT_EQ(engine.get(session(1)), session(1));
}

// The committer by itself, looked after by the test.
class Looked : public testing::Test {
 protected:
  static constexpr Duration kTimeout = std::chrono::hours(1);

  TicketPtr submitted(uint64_t number) {
    auto ticket = std::make_shared<Ticket>(prepare(creation(session(number)), {}).value(), home_);
    EXPECT_TRUE(committer_.submit(ticket).has_value());
    return ticket;
  }
  void look_after(Duration time) { committer_.look(std::chrono::steady_clock::now() + time); }

  TestDirectory directory_;
  ManualClock clock_;
  CountingEntropy entropy_;
  RememberingLog log_;
  store::testing::TestExecutor home_;
  std::unique_ptr<Environment> environment_ =
      Environment::open({.path = directory_.data(), .map_size = 1 << 20, .sync_commits = true},
                        clock_, entropy_)
          .value();
  TrimmingDue trimming_;
  Committer committer_{
      *environment_,
      {.sync_interval = {}, .max_waiting = 100, .max_batch = 1, .timeout = kTimeout},
      clock_,
      trimming_,
      log_};
};

TEST_F(Looked, WhatHasTimeLeftIsLeftAlone) {
  HungSync disk;
  const auto first = submitted(1), second = submitted(2);
  disk.wait_until_held();
  look_after(kTimeout / 2);
  EXPECT_EQ(committer_.trouble(), std::nullopt);
  EXPECT_EQ(committer_.waiting(), 1u);
  disk.release(FileVerdict::proceed());
  home_.pump_until([&] { return first->done && second->done; });
  EXPECT_EQ(first->answer, CommitOutcome::committed);
  EXPECT_EQ(second->answer, CommitOutcome::committed);
  EXPECT_FALSE(first->unknown || second->unknown);
  EXPECT_EQ(log_.all(), "");
}

// A queue that is too long for a disk that answers: no stall.
TEST_F(Looked, AQueueThatIsTooLongIsNoStall) {
  const auto first = submitted(1);
  home_.pump_until([&] { return first->done; });
  HungSync disk;
  const auto second = submitted(2), third = submitted(3);
  second->since -= 2 * kTimeout;  // as if it had waited before the transaction that it is in began
  third->since -= 2 * kTimeout;
  disk.wait_until_held();
  look_after(Duration(0));
  home_.pump_until([&] { return second->done && third->done; });
  EXPECT_TRUE(second->unknown);
  EXPECT_FALSE(third->unknown);
  EXPECT_FALSE(third->answer.has_value());
  EXPECT_EQ(committer_.waiting(), 0u);
  EXPECT_EQ(committer_.trouble(), std::nullopt);
  EXPECT_EQ(log_.all(), "");
  disk.release(FileVerdict::proceed());
  const auto fourth = submitted(4);
  home_.pump_until([&] { return fourth->done; });
  EXPECT_TRUE(second->unknown);
  EXPECT_EQ(committer_.counters().committed, 3u);
}

TEST_F(Looked, IsToldOfOnceHoweverOftenItIsLookedAt) {
  HungSync disk;
  const auto first = submitted(1);
  disk.wait_until_held();
  for (int i = 0; i < 3; ++i) look_after(2 * kTimeout);
  home_.pump_until([&] { return first->done; });
  EXPECT_EQ(home_.posts(), 1u);
  EXPECT_EQ(committer_.counters().timed_out, 1u);
  EXPECT_EQ(log_.count("store.stalled"), 1u);
}

}  // namespace
}  // namespace sojourn::lmdb
