#include "check.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <string_view>

#include "console.h"
#include "lmdb/check.h"

namespace sojourn::app {
namespace {

constexpr std::string_view kAdvice =
    "keep a copy of the directory before anything else writes to it";

// The table that is read, where the process that waits sees it.
using Place = std::array<char, 32>;

int check_here(const std::filesystem::path& data, Place& place) {
  const auto report = lmdb::check(data, [&place](std::string_view table) {
    const size_t size = std::min(table.size(), place.size() - 1);
    std::memcpy(place.data(), table.data(), size);
    place[size] = '\0';
  });
  if (!report) {
    complain(report.error().detail);
    return 1;
  }
  for (const auto& [table, count] : report->tables) say(fmt::format("{} {}\n", table, count));
  for (const std::string& problem : report->problems) say(fmt::format("problem: {}\n", problem));
  if (report->sound()) return 0;
  complain(fmt::format("{} problems; {}", report->problem_count, kAdvice));
  return 1;
}

// Nothing else runs in this process, so it may fork. What ends the child is damage, too: a disk
// that cannot read a page ends who touches it.
int check_in_child(const std::filesystem::path& data, Place& place) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return check_here(data, place);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    const int status = check_here(data, place);
    _exit(results_are_out() ? status : 1);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) <= 1) return WEXITSTATUS(status);
  say(fmt::format("problem: {}: reading it ended the process\n", place.data()));
  complain(fmt::format("reading {} ended the process; {}", place.data(), kAdvice));
  return 1;
}

}  // namespace

int check(const std::filesystem::path& data) {
  void* const shared =
      mmap(nullptr, sizeof(Place), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Place here{"data.mdb"};
  if (shared == MAP_FAILED) return check_here(data, here);
  return check_in_child(data, *new (shared) Place(here));
}

}  // namespace sojourn::app
