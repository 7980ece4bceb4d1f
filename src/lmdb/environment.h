// RAII over liblmdb: an open data directory and its transactions. Return values `int` are
// liblmdb's: 0, an errno, or one of MDB_*.
#pragma once

#include <lmdb.h>

#include <atomic>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/error.h"
#include "store/statistics.h"
#include "store_fault.h"
#include "view.h"

namespace sojourn::lmdb {

struct EnvironmentOptions {
  std::filesystem::path path;
  uint64_t map_size;
  bool sync_commits;  // false: committed transactions reach the disk when sync() is called
};

// A data directory that this process has to itself. It is locked against other processes until the
// object is gone. liblmdb forbids a second one of the same directory in one process; the lock sees
// to that too.
class Environment {
 public:
  // Makes the directory (0700) and its tables if there is nothing yet, else checks that it is one
  // of ours, of a format that we know, as long as it says, and that its list of free pages is
  // sound: writing by a damaged one would spread the damage. Each failure is store_unavailable with
  // a sentence for the operator. Takes no longer when there is more data, only when more is free.
  static Result<std::unique_ptr<Environment>> open(const EnvironmentOptions& options,
                                                   const Clock& clock, Entropy& entropy);

  // For looking only, beside a process that may have the directory open, but not from that process.
  // `alone`: no process has it open, and none may; then nothing is written to the directory, not
  // even a lock file.
  static Result<std::unique_ptr<Environment>> open_to_read(const std::filesystem::path& path,
                                                           bool alone = false);

  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  MDB_env* handle() const { return env_; }
  const Tables& tables() const { return tables_; }
  const std::filesystem::path& path() const { return path_; }

  // The format that the directory had; an older one than kFormatVersion was upgraded by open().
  uint32_t found_format() const { return found_format_; }

  // What a transaction that is about to begin may write. A part of the map is kept from changes
  // that need more room than they free: copy-on-write takes new pages even to delete, so a map that
  // is full to its end could never be emptied.
  //
  // As long as the file ends below the part that is kept, it may grow up to there. Once that part
  // was used, free pages lie all over the file; then as much must be free as is to be kept, and the
  // transaction must be small, since what it takes comes from there. The committer's thread only,
  // as panicked().
  struct Allowance {
    static constexpr uint64_t kNoLimit = UINT64_MAX;
    uint64_t limit = kNoLimit;  // no write behind this byte of the file; 0: nothing
    bool only_small = false;    // a few changes at a time
  };
  Allowance allowance_of(Room room) const;

  // Everything committed is on the disk when this returns 0.
  int sync() { return mdb_env_sync(env_, 1); }

  // Takes time in proportion to the transactions whose pages wait to be used anew, which are few.
  // Where that list is damaged, nothing counts as free.
  store::Space space() const;

  // Whether the disk takes `bytes` more behind the end of the file; keeps them for it. Any thread.
  bool disk_has_room(uint64_t bytes) const;

  // Whether data.mdb is still the file that was opened: not removed, moved away or replaced. Any
  // thread; two system calls.
  bool in_place() const;

  // liblmdb refuses all work, reads included, since it failed to write a meta page.
  bool panicked() const;

  // Takes the entries of dead processes out of the table of readers, and returns how many there
  // were. They keep pages, and places for readers. Any thread; a system call for each other process
  // that reads.
  uint64_t clear_dead_readers() const;
  // How many there were since the opening.
  uint64_t dead_readers() const { return dead_readers_.load(); }

  // The pages of a commit, of which the last may be behind the end of the file.
  Pages pages(const Head& head) const;
  // Only those that the file has now: a system call.
  Pages pages_of_file(const Head& head) const;

 private:
  friend class ReadTransaction;

  explicit Environment(std::filesystem::path path);

  Result<void> open_map(const EnvironmentOptions& options, uint64_t map_size);
  void close_map();
  Result<void> open_files(unsigned flags);
  Result<void> check_file(bool free_list);

  const std::filesystem::path path_;
  int lock_ = -1;  // file descriptor of sojourn.lock; -1: not locked, only read
  MDB_env* env_ = nullptr;
  std::vector<std::unique_ptr<MappedFile>> maps_;
  const char* first_page_ = nullptr;
  size_t page_size_ = 0;
  uint64_t mapped_pages_ = 0;
  uint64_t growth_limit_ = 0;  // of Room::more
  uint64_t end_limit_ = 0;     // of Room::end
  Tables tables_{};
  uint32_t found_format_ = kFormatVersion;
  // Of the thread that writes: it keeps its place in the table of readers.
  std::unique_ptr<class ReadTransaction> view_;
  mutable std::atomic<uint64_t> dead_readers_ = 0;
};

// A view of the data as of when it was begun or renewed. Used by one thread at a time.
class ReadTransaction {
 public:
  explicit ReadTransaction(const Environment& environment) : environment_(environment) {}
  ~ReadTransaction() { mdb_txn_abort(transaction_); }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

  // Sees all that is committed by now. Follow it with pause(): while a view is in use, no page that
  // it sees can be used anew. The first call takes a place in the table of readers, and keeps it.
  int renew();
  void pause() { mdb_txn_reset(transaction_); }

  MDB_txn* handle() const { return transaction_; }

  // Between renew() and pause(): what it sees.
  const View& view() const { return view_; }

 private:
  int begin();
  bool load_head();

  const Environment& environment_;
  MDB_txn* transaction_ = nullptr;
  View view_;
};

// The one that changes things. Ends with commit(), or undone by the destructor.
class WriteTransaction {
 public:
  WriteTransaction() = default;
  ~WriteTransaction() { mdb_txn_abort(transaction_); }
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;

  int begin(Environment& environment) {
    return mdb_txn_begin(environment.handle(), nullptr, 0, &transaction_);
  }
  int commit() { return mdb_txn_commit(std::exchange(transaction_, nullptr)); }

  MDB_txn* handle() const { return transaction_; }

 private:
  MDB_txn* transaction_ = nullptr;
};

// Single entries. found: the value, valid until the transaction changes something or ends; nothing
// when there is none; or liblmdb's error.
std::expected<std::optional<std::string_view>, int> find(MDB_txn* transaction, MDB_dbi table,
                                                         std::string_view key);
int put(MDB_txn* transaction, MDB_dbi table, std::string_view key, std::string_view value);
// MDB_NOTFOUND when there is none.
int erase(MDB_txn* transaction, MDB_dbi table, std::string_view key);

}  // namespace sojourn::lmdb
