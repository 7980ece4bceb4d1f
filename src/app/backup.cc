#include "backup.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "lmdb/backup.h"
#include "progress.h"
#include "stall_limit.h"

namespace sojourn::app {
namespace {

int print(const Result<lmdb::Copied>& copied) {
  if (!copied) {
    fmt::print(stderr, "sojourn: {}\n", copied.error().detail);
    return 1;
  }
  fmt::print("bytes {}\n", copied->bytes);
  for (const auto& [table, count] : copied->contents.tables) fmt::print("{} {}\n", table, count);
  return 0;
}

}  // namespace

int backup(const std::filesystem::path& data, const std::filesystem::path& target,
           Duration stall_limit) {
  Result<lmdb::Copied> copied;
  {
    Progress progress("Copying");
    std::optional<StallLimit> stall(std::in_place, stall_limit, "The backup");
    copied = lmdb::backup(data, target, [&](uint64_t bytes, uint64_t of) {
      progress.show(bytes, of);
      if (stall) stall->done(bytes);
      if (bytes == of) stall.reset();
    });
  }
  return print(copied);
}

int restore(const std::filesystem::path& from, const std::filesystem::path& data) {
  Result<lmdb::Copied> copied;
  {
    Progress progress("Copying");
    copied =
        lmdb::restore(from, data, [&](uint64_t bytes, uint64_t of) { progress.show(bytes, of); });
  }
  return print(copied);
}

}  // namespace sojourn::app
