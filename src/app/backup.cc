#include "backup.h"

#include <fmt/format.h>

#include <cstdio>

#include "lmdb/backup.h"
#include "progress.h"

namespace sojourn::app {
namespace {

template <class Copy>
int run(Copy copy, const std::filesystem::path& from, const std::filesystem::path& to) {
  Result<lmdb::Copied> copied;
  {
    Progress progress("Copying");
    copied = copy(from, to, [&](uint64_t bytes, uint64_t of) { progress.show(bytes, of); });
  }
  if (!copied) {
    fmt::print(stderr, "sojourn: {}\n", copied.error().detail);
    return 1;
  }
  fmt::print("bytes {}\n", copied->bytes);
  for (const auto& [table, count] : copied->contents.tables()) fmt::print("{} {}\n", table, count);
  return 0;
}

}  // namespace

int backup(const std::filesystem::path& data, const std::filesystem::path& target) {
  return run(lmdb::backup, data, target);
}

int restore(const std::filesystem::path& from, const std::filesystem::path& data) {
  return run(lmdb::restore, from, data);
}

}  // namespace sojourn::app
