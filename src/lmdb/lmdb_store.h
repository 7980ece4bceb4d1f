// The embedded store: sessions in one directory of this machine, for one process.
//
// Reads are walks through a memory map, done at once on the calling thread; they wait for nobody.
// Commits of all threads go to one committer thread, which takes everything that waits into one
// transaction (group commit), so that many share the cost of one sync.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/error.h"
#include "base/executor.h"
#include "base/log.h"
#include "store/engine.h"
#include "store/session_store.h"

namespace sojourn::lmdb {

// Options store.lmdb.*.
struct LmdbOptions {
  // The data directory; made with mode 0700 when it is not there, its parent must be. On a local
  // file system: locks and memory maps are not sound on network ones.
  std::filesystem::path path = "./sojourn-data";

  // The most that the data may grow to, in bytes, rounded down to whole pages; at least 1 MiB. Only
  // address space: the file is as large as its data was at most. Whoever limits address space
  // (RLIMIT_AS) or wants an earlier end than the disk's makes it smaller; whoever has more sessions
  // makes it larger, at any start. Data that is larger already stays readable. The last sixteenth,
  // but at least 8 MiB and at most a quarter, is kept for changes that need no more room than they
  // free, so a full store can be emptied.
  uint64_t map_size = uint64_t{64} << 30;

  // Option sessions.index: the attributes that sessions can be found by. Each costs every creation
  // an entry. When it differs from what the directory has, the opening makes the directory fit, and
  // takes time in proportion to the data, this once.
  std::vector<domain::IdentityAttribute> indexed = {domain::IdentityAttribute::customer_id,
                                                    domain::IdentityAttribute::agent_id};

  // Absent (durability "sync"): a commit is answered, and seen by readers, once it is on the disk.
  //
  // Present (durability "interval:T", 1 ms to 1 minute): a commit is answered once it is with the
  // operating system, and the disk follows every T. A crash of the process loses nothing. A power
  // cut or a crash of the machine loses up to T of acknowledged commits, and because pages that
  // were in use at the last sync may be written over before the next one, in any order the file
  // system likes, it can leave the whole file DAMAGED, to be restored from a backup. Only for
  // sessions that may all be lost.
  std::optional<Duration> sync_interval;

  // The longest that a commit is waited for, 1 ms to 1 hour: then it is store_unavailable, although
  // it may still be made when the disk comes back. While the disk has not answered for so long,
  // changes are refused at once. Shorter than the callers' own patience; longer than the disk's
  // slowest sync.
  Duration commit_timeout = std::chrono::seconds(5);

  // Commits that wait at once; one more is refused as overloaded. At least 1. The waiting commits
  // of 8 KiB each hold some 17 KiB of memory.
  size_t max_waiting = 16'384;

  // Commits in one transaction, 1 to 4,096. More share a sync, and each waits longer.
  size_t max_batch = 1'024;
};

// The open data directory. One object per directory, in all processes. Any thread may call.
class LmdbEngine final : public store::Engine {
 public:
  // Takes no longer when there is more data, but when `indexed` has changed. Every failure is
  // store_unavailable with one sentence that says what to do: the directory is in use, cannot be
  // made, is something else, has a newer format. A directory of an older format is upgraded, which
  // takes time in proportion to its tenants. `clock` and `log` must outlive the engine; `entropy`
  // serves the making of a new directory and is not kept.
  //
  // A process that may meet a limit of file size (RLIMIT_FSIZE) must ignore SIGXFSZ.
  static Result<std::unique_ptr<LmdbEngine>> open(const LmdbOptions& options, const Clock& clock,
                                                  Entropy& entropy, Log& log);

  ~LmdbEngine() override;

  // A store object for the thread that `home` stands for (at most 1,000 at once). Commits are
  // answered by one post() to `home` for all that one transaction answers there. `home` must
  // outlive the engine, or close().
  //
  // Errors, beside those of the contract: store_full when the map or the disk is full; then changes
  // that need no more room than they free are still tried: touches, the ends of sessions, filing
  // anew, trimming.
  std::unique_ptr<store::SessionStore> store_for(Executor& home);
  std::unique_ptr<store::SessionStore> store_for(net::Loop& home) override;

  // "store_unavailable": a sync failed, or the engine is closed: no commit is acknowledged any
  // more, until the directory is opened anew. Or the disk has not answered for commit_timeout: none
  // is acknowledged until it does. "store_full": the disk takes no more, not even for what frees
  // something; "store_failing": no write succeeds; "store_gone": data.mdb is no longer in its
  // place; these end within about a second of their reason. Reads of what was committed before go
  // on, unless it was the writing of liblmdb's meta page that failed: then they are
  // store_unavailable too.
  std::optional<store::Trouble> trouble() const override;

  // Commits what waits, answers all of it, and ends the committer; with sync_interval, after a last
  // sync. Later commits are store_unavailable; reads go on. Waits for the disk, however long; all
  // that waits is answered within commit_timeout. Twice is once.
  void close() override;

  store::Statistics statistics() const override;
  Result<store::TenantCounts> sessions_by_tenant(size_t limit) const override;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit LmdbEngine(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace sojourn::lmdb
