// The writes and syncs of liblmdb, seen from below.
//
// The linker sends liblmdb's pwrite, writev, fdatasync and fsync here (-Wl,--wrap, see
// CMakeLists.txt and docs/decisions/0003-file-operations-by-linker-wrap.md). They are passed
// through to the system. Inside a WatchedCalls scope it is remembered what failed, which
// mdb_txn_commit does not tell, and tests can make calls fail. mmap comes here too: LMDB does not
// say where its maps are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace sojourn::lmdb {

enum class FileCall { write, sync };

// What becomes of one call. Default: it is made.
struct FileVerdict {
  enum class Kind { proceed, fail, write_half };
  Kind kind = Kind::proceed;
  int error = 0;  // errno, when it is made to fail

  static FileVerdict proceed() { return {}; }
  static FileVerdict fail(int error) { return {Kind::fail, error}; }
  static FileVerdict write_half() { return {Kind::write_half, 0}; }  // a sync proceeds
};

// Watches the calls that this thread makes while the object lives. At most one per thread at a
// time.
class WatchedCalls {
 public:
  static constexpr uint64_t kNoLimit = UINT64_MAX;

  // A write that would end behind `limit` bytes of its file is not made and fails with ENOSPC.
  explicit WatchedCalls(uint64_t limit = kNoLimit);
  ~WatchedCalls();
  WatchedCalls(const WatchedCalls&) = delete;
  WatchedCalls& operator=(const WatchedCalls&) = delete;

  // A sync failed: what is on the disk is unknown from now on. The write of LMDB's meta page is its
  // own sync (O_DSYNC) and is not among these; when that one fails, LMDB refuses all further work
  // (Environment::panicked).
  bool sync_failed() const { return sync_failed_; }

  // The disk took no more: a write found no room, or put down less than it was given. A write
  // beyond `limit` is not among these.
  bool disk_full() const { return disk_full_; }

  uint64_t limit() const { return limit_; }
  void note_failed_sync() { sync_failed_ = true; }
  void note_full_disk() { disk_full_ = true; }

 private:
  const uint64_t limit_;
  bool sync_failed_ = false;
  bool disk_full_ = false;
};

// Whether this thread is inside a WatchedCalls scope. For a signal handler.
bool is_watching_calls();

// Remembers the memory maps that this thread makes while the object lives. At most one per thread
// at a time.
class WatchedMaps {
 public:
  struct Map {
    const char* address;
    size_t size;
  };

  WatchedMaps();
  ~WatchedMaps();
  WatchedMaps(const WatchedMaps&) = delete;
  WatchedMaps& operator=(const WatchedMaps&) = delete;

  const std::vector<Map>& maps() const { return maps_; }  // in the order of their making
  void note(const Map& map) { maps_.push_back(map); }

 private:
  std::vector<Map> maps_;
};

// For tests: while it lives, `decide` is asked before each watched call of any thread, on that
// thread, one at a time. At most one at a time; make and end it while nothing is being committed,
// or let `decide` bear it.
class FileFault {
 public:
  explicit FileFault(std::function<FileVerdict(FileCall)> decide);
  ~FileFault();
  FileFault(const FileFault&) = delete;
  FileFault& operator=(const FileFault&) = delete;
};

}  // namespace sojourn::lmdb
