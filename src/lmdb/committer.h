// Group commit: one thread that turns the waiting changes into transactions.
//
// Changes of all threads wait in one queue. The committer takes what waits, up to a limit, applies
// the changes one after the other inside one transaction (so a later one sees what an earlier one
// did), commits it, and then answers all of them, conflicts included: what a conflict lost against
// may be in the same transaction. While it is at the disk, the next batch gathers by itself: the
// slower the disk, the larger the batches.
//
// When a transaction fails
//   for want of room    the changes that grow the data are answered store_full, and the others are
//                       tried once more without them, in small transactions, with room that is kept
//                       for them (Environment::allowance_of);
//   at a write          its changes are answered store_unavailable; nothing on the disk refers to
//                       what was written; the next batch is tried as if nothing had been;
//   at a sync           what is on the disk is unknown, and the kernel may call the next sync a
//                       success although it dropped the pages. So the committer stops: these and
//                       all later changes are store_unavailable until the directory is opened anew.
#pragma once

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <variant>
#include <vector>

#include "apply.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/executor.h"
#include "base/log.h"
#include "environment.h"
#include "prepared_change.h"
#include "store/session_store.h"
#include "trimming_due.h"

namespace sojourn::lmdb {

// One change or trimming on its way. Belongs to the caller's thread, then from submit() on to the
// committer, and from the post() of its answer on to the caller's thread again.
struct Ticket {
  std::variant<PreparedChange, Trimming> work;
  Executor& home;
  Result<store::CommitOutcome> answer = store::CommitOutcome::conflict;
  size_t trimmed = 0;  // how many events, where that was asked for and is answered committed

  Room room() const {
    const auto* change = std::get_if<PreparedChange>(&work);
    return change ? change->room() : Room::none;
  }

  // These two are the caller's thread's alone, all the time.
  bool done = false;
  std::coroutine_handle<> waiter;  // nobody waits (any longer) when empty
};
using TicketPtr = std::shared_ptr<Ticket>;

// For statistics: changes, and nanoseconds.
inline constexpr uint64_t kBatchSizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
inline constexpr uint64_t kCommitDurations[] = {
    100'000,     250'000,     500'000,       1'000'000,     2'500'000,
    5'000'000,   10'000'000,  25'000'000,    50'000'000,    100'000'000,
    250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 10'000'000'000};

struct CommitterOptions {
  std::optional<Duration> sync_interval;  // absent: the environment syncs every commit
  size_t max_waiting;
  size_t max_batch;
};

class Committer {
 public:
  // The neighbours outlive it.
  Committer(Environment& environment, const CommitterOptions& options, const Clock& clock,
            TrimmingDue& trimming, Log& log);
  ~Committer() { close(); }

  // Takes the ticket in, to be answered on its home: then `done` is set and the waiter resumed. Or
  // refuses it: overloaded, or store_unavailable.
  Result<void> submit(TicketPtr ticket);

  // Answers all that waits, then ends the thread.
  void close();

  bool healthy() const;

  struct Counters {
    std::atomic<uint64_t> committed = 0, conflicts = 0, failed = 0, refused = 0, batches = 0,
                          failed_batches = 0, failed_syncs = 0;
    Distribution batch_sizes{kBatchSizes};
    Distribution commit_duration{kCommitDurations};
  };
  const Counters& counters() const { return counters_; }
  size_t waiting() const;

 private:
  using Batch = std::vector<TicketPtr>;
  using TimePoint = std::chrono::steady_clock::time_point;

  // How a transaction ended.
  enum class Ending { committed, no_room, too_many, failed, sync_failed };

  void run();
  bool wait_for_work(Batch& batch);
  void commit(const Batch& batch);
  void commit_in_small(const Batch& batch, Ending because);
  Ending attempt(std::span<const TicketPtr> tickets);
  std::expected<Applied, int> apply(Application& application, Ticket& ticket);
  Ending ending_of(int error, bool sync_failed, bool short_write);
  void fail(std::span<const TicketPtr> tickets, Ending ending);
  void sync_if_due(bool at_once);
  void stop(std::string_view reason);
  void answer(Batch& batch);

  Environment& environment_;
  const CommitterOptions options_;
  const Clock& clock_;
  TrimmingDue& trimming_;
  Log& log_;
  Counters counters_;
  std::atomic<bool> stopped_ = false;  // after a failed sync, for good

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<TicketPtr> queue_;  // guarded by mutex_, as are the next two
  bool idle_ = false;            // the thread waits: only then must it be woken
  bool closing_ = false;

  std::optional<TimePoint> last_complaint_;  // the thread's own, as is the next
  std::optional<TimePoint> sync_due_;        // something is committed and not synced
  std::mutex close_mutex_;
  std::thread thread_;
};

}  // namespace sojourn::lmdb
