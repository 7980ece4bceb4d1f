// Who reads a data directory, in all processes: LMDB's table of readers (lock.mdb).
//
// A reader keeps every page of its moment: what is freed later cannot be used again until the
// reader ends, so the file grows with each change. A process that dies leaves its entry behind.
#pragma once

#include <lmdb.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/log.h"
#include "environment.h"

namespace sojourn::lmdb {

// An entry of the table.
struct Reader {
  pid_t process;
  uint64_t thread;
  std::optional<uint64_t> transaction;  // whose state it reads; absent: it reads nothing now
  friend auto operator<=>(const Reader&, const Reader&) = default;
};

std::vector<Reader> readers_of(MDB_env* environment);

// Clears the entries of dead processes and knows how long the living have read.
class Readers {
 public:
  // A reader that keeps pages for this long is logged, once.
  static constexpr std::chrono::minutes kLong{10};

  Readers(const Environment& environment, Log& log) : environment_(environment), log_(log) {}

  // One look, on one thread at a time. A system call for each other process that reads. A reader is
  // never taken away from a process that lives, even a stopped one: when it went on, it would read
  // pages that hold something else by then.
  void look(std::chrono::steady_clock::time_point now);

  // Any thread. As of the last look.
  struct Counters {
    std::atomic<uint64_t> others = 0;     // readers of other processes
    std::atomic<uint64_t> oldest_ms = 0;  // how long the oldest has kept pages that were freed
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Sighting {
    std::chrono::steady_clock::time_point first;
    bool logged = false;
  };
  void note(const Reader& reader, Sighting& sighting, std::chrono::steady_clock::time_point now);

  const Environment& environment_;
  Log& log_;
  Counters counters_;
  std::map<Reader, Sighting> seen_;  // those that keep pages
};

}  // namespace sojourn::lmdb
