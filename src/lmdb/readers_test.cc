// Readers of other processes: those that died, and those that take their time.
#include "readers.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <iterator>

#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::CommitOutcome;
using store::testing::creation;
using store::testing::plain_session;
using store::testing::tenant;
using store::testing::update;

using namespace std::chrono_literals;

// A process that reads a directory: at start() it begins `count` readers, or as many as find a
// place, and it reads until it is killed. Made before this process has threads.
class OtherProcess {
 public:
  OtherProcess(const std::filesystem::path& path, size_t count) {
    EXPECT_EQ(pipe(go_), 0);
    EXPECT_EQ(pipe(ready_), 0);
    pid_ = fork();
    if (pid_ != 0) return;
    char word = 0;
    if (read(go_[0], &word, 1) != 1) _exit(1);
    const auto environment = Environment::open_to_read(path);
    std::vector<std::unique_ptr<ReadTransaction>> views;
    for (size_t i = 0; environment && i < count; ++i) {
      views.push_back(std::make_unique<ReadTransaction>(**environment));
      const int error = views.back()->renew();
      if (error == MDB_READERS_FULL) break;
      if (error) _exit(1);
    }
    if (!environment || write(ready_[1], "y", 1) != 1) _exit(1);
    for (;;) pause();
  }
  ~OtherProcess() {
    kill();
    for (const int fd : {go_[0], go_[1], ready_[0], ready_[1]}) close(fd);
  }

  void start() {
    char word = 0;
    ASSERT_EQ(write(go_[1], "g", 1), 1);
    ASSERT_EQ(read(ready_[0], &word, 1), 1);
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  int go_[2] = {-1, -1};
  int ready_[2] = {-1, -1};
  pid_t pid_ = 0;
};

constexpr size_t kAllPlaces = 2'000;  // more than there are

Session session(uint64_t number) { return plain_session(tenant("t"), number); }

std::unique_ptr<Environment> opened(const TestDirectory& directory) {
  const ManualClock clock;
  CountingEntropy entropy;
  return Environment::open({.path = directory.data(), .map_size = 1 << 20, .sync_commits = false},
                           clock, entropy)
      .value();
}

void write_something(Environment& environment) {
  WriteTransaction transaction;
  ASSERT_EQ(transaction.begin(environment), 0);
  ASSERT_EQ(put(transaction.handle(), environment.tables().meta, "test", "x"), 0);
  ASSERT_EQ(transaction.commit(), 0);
}

TEST(LmdbReaders, AgeCountsWhileARestOfTheStoreIsKept) {
  const TestDirectory directory;
  OtherProcess other(directory.data(), 1);
  const auto environment = opened(directory);
  RememberingLog log;
  Readers readers(*environment, log);
  const std::chrono::steady_clock::time_point begin{};
  readers.look(begin);
  EXPECT_EQ(readers.counters().others, 0u);

  other.start();
  readers.look(begin + 1s);
  readers.look(begin + 1h);
  EXPECT_EQ(readers.counters().others, 1u);
  EXPECT_EQ(readers.counters().oldest_ms, 0u) << "nothing has changed: it keeps nothing";

  write_something(*environment);
  readers.look(begin + 1h);
  EXPECT_EQ(readers.counters().oldest_ms, 0u);
  readers.look(begin + 1h + 9min);
  EXPECT_EQ(readers.counters().oldest_ms, 9 * 60'000u);
  EXPECT_EQ(log.all(), "");
  for (int i = 0; i < 3; ++i) readers.look(begin + 1h + 10min);
  EXPECT_EQ(log.all(), "store.long_read pid=" + std::to_string(other.pid()) + " seconds=600\n");
  EXPECT_EQ(environment->dead_readers(), 0u) << "it lives";

  other.kill();
  readers.look(begin + 2h);
  EXPECT_EQ(environment->dead_readers(), 1u);
  EXPECT_EQ(readers.counters().others, 0u);
  EXPECT_EQ(readers.counters().oldest_ms, 0u);
}

TEST(LmdbReaders, OurOwnAreSeenAsWell) {
  const TestDirectory directory;
  const auto environment = opened(directory);
  NoLog log;
  Readers readers(*environment, log);
  const std::chrono::steady_clock::time_point begin{};
  ReadTransaction view(*environment);
  ASSERT_EQ(view.renew(), 0);
  write_something(*environment);
  readers.look(begin);
  readers.look(begin + 5s);
  EXPECT_EQ(readers.counters().oldest_ms, 5'000u);
  EXPECT_EQ(readers.counters().others, 0u);
  // Another moment each time, as requests have it: never older than from one look to the next.
  view.pause();
  ASSERT_EQ(view.renew(), 0);
  write_something(*environment);
  readers.look(begin + 10s);
  EXPECT_EQ(readers.counters().oldest_ms, 0u);
}

// Far more changes than there is room for without using pages again; the look that comes each
// second would be too late.
TEST(LmdbReaders, ADeadOneIsClearedWhenThereIsNoRoom) {
  const TestDirectory directory;
  OtherProcess other(directory.data(), 1);
  TestEngine engine(LmdbOptions{
      .path = directory.data(), .map_size = 1 << 20, .sync_interval = Duration(60'000)});
  Session now = session(1);
  ASSERT_EQ(engine.commit(creation(now)), CommitOutcome::committed);
  other.start();
  other.kill();
  for (uint64_t i = 0; i < 2'000; ++i) {
    Session next = now;
    next.identity.agent_id = std::to_string(i);
    ++next.version;
    domain::Change change = update(now, next);
    change.event.reset();
    ASSERT_EQ(engine.commit(change), CommitOutcome::committed) << i;
    now = next;
  }
  EXPECT_EQ(engine.log.all(), "");
  EXPECT_EQ(engine->statistics().readers->cleared, 1u);
}

TEST(LmdbReaders, DeadOnesTakeNoPlaceFromReaders) {
  const TestDirectory directory;
  OtherProcess other(directory.data(), kAllPlaces);
  TestEngine engine(directory.data(), 1 << 20);
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  const uint64_t used = engine->statistics().space->used;
  other.start();
  other.kill();
  // What reads now and then, and a thread that begins to.
  EXPECT_EQ(engine->statistics().space->used, used);
  EXPECT_EQ(engine->sessions_by_tenant(10)->tenants.size(), 1u);
  const auto store = engine->store_for(engine.home);
  EXPECT_EQ(engine.home.run(store->get(tenant("t"), session(1).id)), session(1));
}

TEST(LmdbReaders, LivingOnesTakeNoPlaceFromOpenStores) {
  const TestDirectory directory;
  OtherProcess other(directory.data(), kAllPlaces);
  TestEngine engine(directory.data(), 1 << 20);
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  other.start();
  EXPECT_EQ(engine.get(session(1)), session(1));
  EXPECT_EQ(engine.commit(creation(session(2))), CommitOutcome::committed);
  EXPECT_EQ(Environment::open_to_read(directory.data()).has_value(), false);
}

// The first process of a container has the same id each time, so what died looks like ourselves.
TEST(LmdbReaders, OfADeadProcessWithOurIdAreCleared) {
  const TestDirectory directory;
  OtherProcess dead(directory.data(), 1), witness(directory.data(), 1);
  opened(directory).reset();
  witness.start();  // keeps the table of readers as it is
  dead.start();
  const std::array<pid_t, 2> pids = {dead.pid(), getpid()};
  dead.kill();
  const auto table = directory.data() / "lock.mdb";
  std::string bytes;
  {
    std::ifstream file(table, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  const auto as_bytes = [](const pid_t& pid) {
    return std::string_view(reinterpret_cast<const char*>(&pid), sizeof(pid));
  };
  const size_t at = bytes.find(as_bytes(pids[0]));
  ASSERT_NE(at, std::string::npos);
  {
    std::fstream file(table, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(as_bytes(pids[1]).data(), sizeof(pid_t));
  }
  const auto environment = opened(directory);
  const auto readers = readers_of(environment->handle());
  EXPECT_EQ(std::ranges::count(readers, getpid(), &Reader::process), 1);
  EXPECT_EQ(std::ranges::count(readers, witness.pid(), &Reader::process), 1);
}

}  // namespace
}  // namespace sojourn::lmdb
