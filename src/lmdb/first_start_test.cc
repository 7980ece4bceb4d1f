// The making of a store where there is none: killed at any write, or without room for it, it leaves
// nothing that keeps the next start from making it.
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "file_operations.h"
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using store::CommitOutcome;
using store::testing::creation;
using store::testing::plain_session;
using store::testing::tenant;

Result<std::unique_ptr<LmdbEngine>> open(const std::filesystem::path& path) {
  static const ManualClock clock;
  static CountingEntropy entropy;
  static RememberingLog log;
  return LmdbEngine::open({.path = path, .map_size = 16 << 20}, clock, entropy, log);
}

// Opens in a process that kills itself before its N-th write or sync; whether it came to its end.
bool open_until_killed(const std::filesystem::path& path, int n) {
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> calls = 0;
    const FileFault fault([&](FileCall) {
      if (++calls == n) raise(SIGKILL);
      return FileVerdict::proceed();
    });
    _exit(open(path) ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void expect_usable(const std::filesystem::path& path) {
  TestEngine engine(path);
  EXPECT_EQ(engine.commit(creation(plain_session(tenant("t"), 1))), CommitOutcome::committed);
  expect_sound(*engine);
}

TEST(FirstStart, SurvivesAKillAtAnyWrite) {
  int n = 1;
  for (bool whole = false; !whole; ++n) {
    ASSERT_LT(n, 100);
    const TestDirectory directory;
    whole = open_until_killed(directory.data(), n);
    expect_usable(directory.data());
    EXPECT_FALSE(std::filesystem::exists(directory.data() / "sojourn.new"));
  }
  EXPECT_GT(n, 5);
}

TEST(FirstStart, WithoutRoomLeavesNothing) {
  int n = 1;
  for (bool fired = true; fired; ++n) {
    ASSERT_LT(n, 100);
    const TestDirectory directory;
    std::atomic<int> calls = 0;
    {
      const FileFault fault([&](FileCall) {
        return ++calls >= n ? FileVerdict::fail(ENOSPC) : FileVerdict::proceed();
      });
      const auto opened = open(directory.data());
      fired = calls >= n;
      EXPECT_EQ(opened.has_value(), !fired);
      if (!opened) {
        EXPECT_TRUE(contains(opened.error().detail, "room") ||
                    contains(opened.error().detail, "space"))
            << opened.error().detail;
      }
    }
    expect_usable(directory.data());
  }
}

TEST(FirstStart, DoesNotTakeThePlaceOfALostStore) {
  const TestDirectory directory;
  expect_usable(directory.data());
  const auto refusal = [&] {
    const auto opened = open(directory.data());
    return opened ? std::string() : opened.error().detail;
  };
  std::filesystem::resize_file(directory.data() / "data.mdb", 0);
  EXPECT_TRUE(contains(refusal(), "data.mdb is empty")) << refusal();
  std::filesystem::remove(directory.data() / "data.mdb");
  EXPECT_TRUE(contains(refusal(), "data.mdb is missing")) << refusal();
  EXPECT_FALSE(std::filesystem::exists(directory.data() / "data.mdb"));
  std::filesystem::remove(directory.data() / "lock.mdb");
  expect_usable(directory.data());
}

TEST(FirstStart, RemovesWhatAnInterruptedOneLeft) {
  const TestDirectory directory;
  expect_usable(directory.data());
  // Between the last two steps: the file has its name, and the directory it came from is there.
  for (const char* name : {"sojourn.new", "sojourn.partial"}) {
    std::filesystem::create_directories(directory.data() / name);
    std::ofstream(directory.data() / name / "data.mdb") << "rest";
  }
  EXPECT_TRUE(open(directory.data()).has_value());
  EXPECT_FALSE(std::filesystem::exists(directory.data() / "sojourn.new"));
  EXPECT_FALSE(std::filesystem::exists(directory.data() / "sojourn.partial"));
}

TEST(FirstStart, IsNoRestore) {
  const TestDirectory directory;
  std::filesystem::create_directories(directory.data() / "sojourn.partial");
  const auto opened = open(directory.data());
  ASSERT_FALSE(opened.has_value());
  EXPECT_TRUE(contains(opened.error().detail, "was not finished"));
  EXPECT_TRUE(std::filesystem::exists(directory.data() / "sojourn.partial"));
}

// The heads of the file (data_file.h), whichever of them is the newest.
TEST(FirstStart, ADamagedHeadIsRefused) {
  const TestDirectory directory;
  for (const uint64_t commit : {1U, 2U}) {
    {
      TestEngine engine(directory.data());
      ASSERT_TRUE(engine.commit(creation(plain_session(tenant("t"), commit))).has_value());
    }
    std::ifstream file(directory.data() / "data.mdb", std::ios::binary);
    const std::string whole(std::istreambuf_iterator<char>(file), {});
    const auto write = [&](const std::string& bytes) {
      std::ofstream(directory.data() / "data.mdb", std::ios::binary) << bytes;
    };
    // Number, flags, magic, version, page size, last page, the number of the commit: of either
    // head.
    for (const size_t at : {0U, 10U, 16U, 20U, 40U, 136U, 144U, 145U, 150U}) {
      for (const size_t head : {0U, 4096U}) {
        std::string damaged = whole;
        damaged[head + at] = static_cast<char>(damaged[head + at] ^ (at == 144 ? 1 : 5));
        write(damaged);
        const auto opened = open(directory.data());
        // The last page of the older head is nobody's concern.
        if (at == 136 && opened) continue;
        ASSERT_FALSE(opened.has_value()) << head << " " << at;
        const std::string& said = opened.error().detail;
        EXPECT_TRUE(contains(said, "damaged") || (at == 136 && contains(said, "cut"))) << said;
      }
    }
    write(whole);
  }
}

}  // namespace
}  // namespace sojourn::lmdb
