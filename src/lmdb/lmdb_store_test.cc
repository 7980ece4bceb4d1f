// Opening, answering and closing the embedded store.
#include <sys/stat.h>
#include <sys/wait.h>

#include <condition_variable>
#include <fstream>
#include <latch>

#include "base/eventually.h"
#include "environment.h"
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
using store::testing::TestExecutor;
using store::testing::update;
using ::testing::Test;

Session session(uint64_t number) { return plain_session(tenant("t"), number); }

std::string refusal_of(const LmdbOptions& options) {
  const ManualClock clock;
  CountingEntropy entropy;
  NoLog log;
  const auto opened = LmdbEngine::open(options, clock, entropy, log);
  return opened ? std::string() : opened.error().detail;
}

std::string refusal_of(const std::filesystem::path& path) {
  return refusal_of(LmdbOptions{.path = path, .map_size = 1 << 20});
}

// Holds the committer at its next watched call until open().
class Gate {
 public:
  void hold() {
    held_.count_down();
    open_.wait();
  }
  void wait_until_held() { held_.wait(); }
  void open() { open_.count_down(); }

 private:
  std::latch held_{1};
  std::latch open_{1};
};

// ---- opening

TEST(LmdbOpen, MakesAPrivateDirectory) {
  const TestDirectory directory;
  const TestEngine engine(directory.data());
  struct stat status{};
  ASSERT_EQ(stat(directory.data().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  for (const char* file : {"data.mdb", "lock.mdb", "sojourn.lock"}) {
    ASSERT_EQ(stat((directory.data() / file).c_str(), &status), 0) << file;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << file;
  }
}

TEST(LmdbOpen, TakesAnEmptyDirectoryThatIsThere) {
  const TestDirectory directory;
  std::filesystem::create_directory(directory.path() / "lost+found");
  EXPECT_EQ(refusal_of(directory.path()), "");
}

TEST(LmdbOpen, RefusesWhatIsNoStore) {
  const TestDirectory directory;
  const auto file = directory.path() / "file";
  std::ofstream(file) << "text";
  EXPECT_TRUE(contains(refusal_of(file), "it is not a directory")) << refusal_of(file);
  EXPECT_TRUE(contains(refusal_of(directory.path()), "holds other files and no store"));
  EXPECT_TRUE(contains(refusal_of(directory.path() / "no" / "parent"), "No such file"));
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "sojourn.lock"));

  const auto other = directory.path() / "other";
  std::filesystem::create_directory(other);
  std::ofstream(other / "data.mdb") << std::string(8192, 'x');
  EXPECT_TRUE(contains(refusal_of(other), "not a file of this server")) << refusal_of(other);
}

TEST(LmdbOpen, RefusesAnLmdbFileOfSomeoneElse) {
  const TestDirectory directory;
  MDB_env* env = nullptr;
  ASSERT_EQ(mdb_env_create(&env), 0);
  ASSERT_EQ(mdb_env_open(env, directory.path().c_str(), 0, 0600), 0);
  MDB_txn* transaction = nullptr;
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &transaction), 0);
  MDB_dbi main;
  ASSERT_EQ(mdb_dbi_open(transaction, nullptr, 0, &main), 0);
  ASSERT_EQ(put(transaction, main, "meta", "theirs"), 0);
  ASSERT_EQ(mdb_txn_commit(transaction), 0);
  mdb_env_close(env);
  EXPECT_TRUE(contains(refusal_of(directory.path()), "not a file of this server"))
      << refusal_of(directory.path());
}

TEST(LmdbOpen, RefusesADirectoryWithoutPermission) {
  const TestDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms::owner_read);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (geteuid() == 0 && seteuid(65534) != 0) _exit(2);  // root may do anything
    _exit(contains(refusal_of(directory.data()), "Permission denied") ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  std::filesystem::permissions(directory.path(), std::filesystem::perms::owner_all);
}

TEST(LmdbOpen, RefusesANewerFormat) {
  const TestDirectory directory;
  {
    TestEngine engine(directory.data());
  }
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
    ASSERT_EQ(put(transaction, tables.meta, "format", std::string("\0\0\0\3", 4)), 0);
  });
  EXPECT_TRUE(contains(refusal_of(directory.data()), "its format is 3"))
      << refusal_of(directory.data());
}

TEST(LmdbOpen, RefusesImpossibleOptions) {
  const TestDirectory directory;
  EXPECT_NE(refusal_of(LmdbOptions{.path = directory.data(), .map_size = 1 << 19}), "");
  EXPECT_NE(refusal_of(LmdbOptions{.path = directory.data(), .sync_interval = Duration(0)}), "");
  EXPECT_NE(refusal_of(LmdbOptions{.path = directory.data(), .max_waiting = 0}), "");
  EXPECT_NE(refusal_of(LmdbOptions{.path = directory.data(), .max_batch = 0}), "");
  EXPECT_NE(refusal_of(LmdbOptions{.path = directory.data(), .max_batch = 5000}), "");
  EXPECT_FALSE(std::filesystem::exists(directory.data()));
}

TEST(LmdbOpen, OneAtATime) {
  const TestDirectory directory;
  {
    const TestEngine engine(directory.data());
    const std::string refusal = refusal_of(directory.data());
    EXPECT_TRUE(contains(refusal, directory.data().string())) << refusal;
    EXPECT_TRUE(contains(refusal, "process " + std::to_string(getpid()))) << refusal;
  }
  EXPECT_EQ(refusal_of(directory.data()), "");
}

TEST(LmdbOpen, OneProcessAtATime) {
  const TestDirectory directory;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t holder = fork();
  ASSERT_GE(holder, 0);
  if (holder == 0) {  // holds the directory until it is killed
    const ManualClock clock;
    CountingEntropy entropy;
    const auto held = Environment::open(
        {.path = directory.data(), .map_size = 1 << 20, .sync_commits = true}, clock, entropy);
    const char result = held ? 'y' : 'n';
    if (write(ready[1], &result, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char result = 'n';
  ASSERT_EQ(read(ready[0], &result, 1), 1);
  ASSERT_EQ(result, 'y');
  const std::string refusal = refusal_of(directory.data());
  ASSERT_EQ(kill(holder, SIGKILL), 0);
  ASSERT_EQ(waitpid(holder, nullptr, 0), holder);
  close(ready[0]);
  close(ready[1]);
  EXPECT_TRUE(contains(refusal, "process " + std::to_string(holder) + " has it open")) << refusal;
  EXPECT_EQ(refusal_of(directory.data()), "");
}

// ---- answering

TEST(LmdbStore, OneAnswerPostedPerExecutorAndBatch) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  TestExecutor other;
  const auto other_store = engine->store_for(other);
  constexpr uint64_t kEach = 20;

  Gate gate;
  std::atomic<bool> first = true;
  const FileFault fault([&](FileCall call) {
    if (call == FileCall::sync && first.exchange(false)) gate.hold();
    return FileVerdict::proceed();
  });
  // While the committer is at the disk with the first change, the others gather.
  std::vector<Task<Result<CommitOutcome>>> tasks;
  const auto creation_of_0 = creation(session(0));
  tasks.push_back(engine.store().commit(creation_of_0));
  gate.wait_until_held();
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < 2 * kEach; ++i) changes.push_back(creation(session(1 + i / 2 * 2)));
  for (uint64_t i = 0; i < 2 * kEach; ++i) {
    tasks.push_back((i % 2 == 0 ? engine.store() : *other_store).commit(changes[i]));
  }
  EXPECT_EQ(engine->statistics().waiting, 2 * kEach);
  gate.open();

  uint64_t committed = 0, conflicts = 0;
  for (uint64_t i = 0; i < tasks.size(); ++i) {
    const auto outcome = (i == 0 || i % 2 == 1 ? engine.home : other).run(std::move(tasks[i]));
    ASSERT_TRUE(outcome.has_value());
    ++(*outcome == CommitOutcome::committed ? committed : conflicts);
  }
  EXPECT_EQ(committed, 1 + kEach);
  EXPECT_EQ(conflicts, kEach);  // each id was asked for by both
  EXPECT_EQ(engine.home.posts(), 2u);
  EXPECT_EQ(other.posts(), 1u);
  EXPECT_EQ(engine->statistics().batches, 2u);
  EXPECT_EQ(engine->statistics().committed, 1 + kEach);
  EXPECT_EQ(engine->statistics().conflicts, kEach);
}

TEST(LmdbStore, AConflictWithinABatchIsAnsweredOnceTheWinnerIsDurable) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  Gate gate;
  std::atomic<int> syncs = 0;
  Gate second;
  const FileFault fault([&](FileCall call) {
    if (call != FileCall::sync) return FileVerdict::proceed();
    if (++syncs == 1) gate.hold();
    if (syncs == 2) second.hold();
    return FileVerdict::proceed();
  });
  const auto other = creation(session(9));
  const auto change = creation(session(1));
  auto blocker = engine.store().commit(other);
  gate.wait_until_held();
  auto winner = engine.store().commit(change);
  auto loser = engine.store().commit(change);
  gate.open();
  EXPECT_EQ(engine.home.run(std::move(blocker)), CommitOutcome::committed);
  second.wait_until_held();
  EXPECT_EQ(engine.home.posts(), 1u);
  EXPECT_EQ(engine.get(session(1)), std::nullopt);  // nobody sees it yet
  second.open();
  EXPECT_EQ(engine.home.run(std::move(loser)), CommitOutcome::conflict);
  EXPECT_EQ(engine.get(session(1)), session(1));
  EXPECT_EQ(engine.home.run(std::move(winner)), CommitOutcome::committed);
}

TEST(LmdbStore, RefusesMoreThanMayWait) {
  const TestDirectory directory;
  TestEngine engine(LmdbOptions{.path = directory.data(), .map_size = 1 << 20, .max_waiting = 2});
  Gate gate;
  std::atomic<bool> first = true;
  const FileFault fault([&](FileCall) {
    if (first.exchange(false)) gate.hold();
    return FileVerdict::proceed();
  });
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < 4; ++i) changes.push_back(creation(session(i)));
  std::vector<Task<Result<CommitOutcome>>> tasks;
  tasks.push_back(engine.store().commit(changes[0]));
  gate.wait_until_held();
  for (size_t i = 1; i < 4; ++i) tasks.push_back(engine.store().commit(changes[i]));
  gate.open();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(engine.home.run(std::move(tasks[i])), CommitOutcome::committed);
  }
  const auto refused = engine.home.run(std::move(tasks[3]));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::overloaded);
  EXPECT_EQ(engine.get(session(3)), std::nullopt);
  EXPECT_EQ(engine->statistics().refused, 1u);
}

TEST(LmdbStore, AWaitingCommitCanBeDropped) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  const auto dropped = creation(session(1));
  const auto kept = creation(session(2));
  {
    Gate gate;
    std::atomic<bool> first = true;
    const FileFault fault([&](FileCall) {
      if (first.exchange(false)) gate.hold();
      return FileVerdict::proceed();
    });
    auto after = engine.store().commit(kept);
    {
      auto task = engine.store().commit(dropped);
      gate.wait_until_held();
      EXPECT_FALSE(task.start([](void*) { FAIL() << "nobody waits"; }, nullptr));
    }
    gate.open();
    EXPECT_EQ(engine.home.run(std::move(after)), CommitOutcome::committed);
  }
  engine->close();
  EXPECT_EQ(engine.get(session(1)), session(1));
}

TEST(LmdbStore, ClosingAnswersAllThatWaits) {
  const TestDirectory directory;
  TestEngine engine(LmdbOptions{.path = directory.data(), .map_size = 64 << 20, .max_batch = 8});
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < 100; ++i) changes.push_back(creation(session(i)));
  std::vector<Task<Result<CommitOutcome>>> tasks;
  for (const auto& change : changes) tasks.push_back(engine.store().commit(change));
  EXPECT_TRUE(engine->healthy());
  engine->close();
  EXPECT_FALSE(engine->healthy());
  for (auto& task : tasks) {
    EXPECT_EQ(engine.home.run(std::move(task)), CommitOutcome::committed);
  }
  const auto late = engine.commit(creation(session(100)));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().kind, ErrorKind::store_unavailable);
  EXPECT_EQ(engine.get(session(99)), session(99));
  engine->close();  // twice is once
  engine.reopen();
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(engine.get(session(i)), session(i));
}

TEST(LmdbStore, RefusesAChangeThatIsNone) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  Session large = session(1);
  large.identity.visit_id.assign(257, 'v');
  for (const auto& change : {domain::Change{}, creation(large), update(session(1), session(2)),
                             update(session(1), plain_session(tenant("u"), 1))}) {
    const auto outcome = engine.commit(change);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().kind, ErrorKind::internal);
  }
}

TEST(LmdbStore, WithAnIntervalTheDiskFollowsByItself) {
  const TestDirectory directory;
  TestEngine engine(
      LmdbOptions{.path = directory.data(), .map_size = 1 << 20, .sync_interval = Duration(1)});
  std::latch synced(1);
  std::atomic<bool> first = true;
  {
    const FileFault fault([&](FileCall call) {
      if (call == FileCall::sync && first.exchange(false)) synced.count_down();
      return FileVerdict::proceed();
    });
    ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
    synced.wait();
  }
  EXPECT_TRUE(engine->healthy());
}

// Commits that come faster than the interval do not put the sync off.
TEST(LmdbStore, WithAnIntervalTheDiskFollowsUnderLoad) {
  const TestDirectory directory;
  TestEngine engine(
      LmdbOptions{.path = directory.data(), .map_size = 16 << 20, .sync_interval = Duration(200)});
  std::atomic<uint64_t> syncs = 0;
  const FileFault fault([&](FileCall call) {
    syncs += call == FileCall::sync ? 1 : 0;
    return FileVerdict::proceed();
  });
  const auto deadline = std::chrono::steady_clock::now() + kTestLimit;
  uint64_t commits = 0;
  while (syncs < 2 && std::chrono::steady_clock::now() < deadline) {
    Session one = session(1);
    ASSERT_EQ(engine.commit(creation(one)), CommitOutcome::committed);
    ASSERT_EQ(engine.commit(deletion(one)), CommitOutcome::committed);
    ++commits;
  }
  EXPECT_GE(syncs, 2u) << "after " << commits << " creations and ends";
}

}  // namespace
}  // namespace sojourn::lmdb
