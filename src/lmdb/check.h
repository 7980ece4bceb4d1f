// Whether a data directory is what it should be: every table against every other, every checksum.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "lmdb_store.h"

namespace sojourn::lmdb {

struct CheckReport {
  // The entries of each table; of `counts` that is the number of tenants that have sessions, of
  // `logs` of those from whose log something was removed.
  uint64_t sessions = 0;
  uint64_t index = 0;
  uint64_t expiry = 0;
  uint64_t counts = 0;
  uint64_t events = 0;
  uint64_t logs = 0;
  uint64_t idempotency = 0;

  // The same with the names of the tables.
  std::array<std::pair<std::string_view, uint64_t>, 7> tables() const {
    return {{{"sessions", sessions},
             {"index", index},
             {"expiry", expiry},
             {"counts", counts},
             {"events", events},
             {"logs", logs},
             {"idempotency", idempotency}}};
  }

  // One sentence each, ids masked, of the first 100 found.
  std::vector<std::string> problems;
  uint64_t problem_count = 0;  // all of them

  bool sound() const { return problem_count == 0; }
};

// Of a directory that another process may have open, or none; this one must not. Looks at one
// moment of the data; takes time and page cache in proportion to it. Changes nothing, but needs
// write permission for lock.mdb. store_unavailable when the directory cannot be read at all.
Result<CheckReport> check(const std::filesystem::path& path);

// Of a directory that no process has open, and none may meanwhile: a backup. Writes nothing to it.
Result<CheckReport> check_alone(const std::filesystem::path& path);

// The same of an open engine, beside its work. Any thread.
Result<CheckReport> check(LmdbEngine& engine);

}  // namespace sojourn::lmdb
