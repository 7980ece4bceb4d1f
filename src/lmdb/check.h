// Whether a data directory is what it should be: every page accounted for, every checksum, every
// table against every other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "lmdb_store.h"

namespace sojourn::lmdb {

struct CheckReport {
  // The names of the tables that have entries of their own, and how many; of `counts` that is the
  // number of tenants that have sessions, of `logs` of those from whose log something was removed.
  std::vector<std::pair<std::string_view, uint64_t>> tables;
  uint64_t entries(std::string_view table) const;

  // One sentence each, ids masked, of the first 100 found.
  std::vector<std::string> problems;
  uint64_t problem_count = 0;  // all of them

  bool sound() const { return problem_count == 0; }
};

// Told what is read next, such as "sessions", on the calling thread: what kills the process while
// it reads is there.
using CheckProgress = std::function<void(std::string_view table)>;

// Of a directory that another process may have open, or none; this one must not. Looks at one
// moment of the data; takes time and page cache in proportion to it. Changes nothing, but needs
// write permission for lock.mdb. Whatever the bytes are, it ends with a report; but a disk that
// cannot read them, or a file that is cut meanwhile, ends the process with SIGBUS.
// store_unavailable when the directory cannot be opened at all.
Result<CheckReport> check(const std::filesystem::path& path, const CheckProgress& progress = {});

// Of a directory that no process has open, and none may meanwhile: a backup. Writes nothing to it.
Result<CheckReport> check_alone(const std::filesystem::path& path);

// The same of an open engine, beside its work. Any thread.
Result<CheckReport> check(LmdbEngine& engine);

}  // namespace sojourn::lmdb
