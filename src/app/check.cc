#include "check.h"

#include <fmt/format.h>

#include <cstdio>

#include "lmdb/check.h"

namespace sojourn::app {

int check(const std::filesystem::path& data) {
  const auto report = lmdb::check(data);
  if (!report) {
    fmt::print(stderr, "sojourn: {}\n", report.error().detail);
    return 1;
  }
  for (const auto& [table, count] : report->tables()) fmt::print("{} {}\n", table, count);
  for (const std::string& problem : report->problems) fmt::print("problem: {}\n", problem);
  if (report->sound()) return 0;
  fmt::print(
      stderr,
      "sojourn: {} problems; keep a copy of the directory before anything else writes to it\n",
      report->problem_count);
  return 1;
}

}  // namespace sojourn::app
