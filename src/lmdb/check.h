// Whether a data directory is what it should be: every table against every other, every checksum.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "lmdb_store.h"

namespace sojourn::lmdb {

struct CheckReport {
  uint64_t sessions = 0;
  uint64_t index_entries = 0;
  uint64_t expiry_entries = 0;
  uint64_t tenants = 0;

  // One sentence each, ids masked, of the first 100 found.
  std::vector<std::string> problems;
  uint64_t problem_count = 0;  // all of them

  bool sound() const { return problem_count == 0; }
};

// Of a directory that another process may have open, or none; this one must not. Looks at one
// moment of the data; takes time and page cache in proportion to it. Changes nothing, but needs
// write permission for lock.mdb. store_unavailable when the directory cannot be read at all.
Result<CheckReport> check(const std::filesystem::path& path);

// The same of an open engine, beside its work. Any thread.
Result<CheckReport> check(LmdbEngine& engine);

}  // namespace sojourn::lmdb
