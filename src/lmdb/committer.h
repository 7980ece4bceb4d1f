// Group commit: one thread that turns the waiting changes into transactions.
//
// Changes of all threads wait in one queue. The committer takes what waits, up to a limit, applies
// the changes one after the other inside one transaction (so a later one sees what an earlier one
// did), commits it, and then answers all of them, conflicts included: what a conflict lost against
// may be in the same transaction. While it is at the disk, the next batch gathers by itself: the
// slower the disk, the larger the batches.
//
// When a transaction fails
//   for want of room    readers of dead processes, which keep pages, are cleared, and if there were
//                       any it is tried once more; then the changes that grow the data are answered
//                       store_full, and the others are tried once more without them, in small
//                       transactions, with room that is kept for them (Environment::allowance_of);
//   at a damaged page   its changes are tried apart, so that those fail whose pages are damaged;
//   at a write          its changes are answered store_unavailable; nothing on the disk refers to
//                       what was written; the next batch is tried as if nothing had been;
//   at a sync           what is on the disk is unknown, and the kernel may call the next sync a
//                       success although it dropped the pages. So the committer stops: these and
//                       all later changes are store_unavailable until the directory is opened anew.
//
// A disk may also not come back. No change waits for longer than `timeout`: look(), on a thread of
// its own (watch.h), answers those that did with store_unavailable. One that still waits in the
// queue is taken out of it and is never made. One in the transaction at the disk may be made yet,
// so its answer says that; its caller no longer waits, and the real outcome finds nobody. When that
// transaction has taken longer than `timeout`, the committer is stalled: it refuses new changes at
// once, until the disk comes back.
//
// When data.mdb is no longer in its place after a transaction, its changes are store_unavailable: a
// restart would not find them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
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
#include "store/engine.h"
#include "store/session_store.h"
#include "trimming_due.h"

namespace sojourn::lmdb {

using Moment = std::chrono::steady_clock::time_point;

// One change or trimming on its way. Belongs to the caller's thread, then from submit() on to the
// committer, and from the post() of its answer on to the caller's thread again.
struct Ticket {
  std::variant<PreparedChange, Trimming> work;
  Executor& home;
  Moment since{};         // when submit() took it in
  bool given_up = false;  // look()'s: its caller was told that the outcome is not known
  Result<store::CommitOutcome> answer = store::CommitOutcome::conflict;
  size_t trimmed = 0;  // how many events, where that was asked for and is answered committed

  Room room() const {
    const auto* change = std::get_if<PreparedChange>(&work);
    return change ? change->room() : Room::none;
  }

  // These three are the caller's thread's alone, all the time.
  bool done = false;
  bool unknown = false;            // done without an outcome: `answer` is still the committer's
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
  Duration timeout;  // the longest wait of a change, give or take a look()
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

  // Answers all that waits, then ends the thread. Waits for the disk.
  void close();

  // Answers what has waited for too long at `now`. Any thread, one at a time.
  void look(Moment now);

  // Why no change would be acknowledged; none: it would.
  std::optional<store::Trouble> trouble() const;

  // Has the thread look whether data.mdb is in its place, and when there is trouble, whether it is
  // over. To be called about once a second, by any thread; does not wait.
  void want_look_at_disk();

  struct Counters {
    std::atomic<uint64_t> committed = 0, conflicts = 0, failed = 0, refused = 0, batches = 0,
                          failed_batches = 0, failed_syncs = 0, timed_out = 0;
    Distribution batch_sizes{kBatchSizes};
    Distribution commit_duration{kCommitDurations};
  };
  const Counters& counters() const { return counters_; }
  size_t waiting() const;

 private:
  using Batch = std::vector<TicketPtr>;

  // How a transaction ended.
  enum class Ending { committed, no_room, too_many, damaged, failed, gone, sync_failed };
  // What is known of a change when its caller is told.
  enum class Outcome { in_answer, unknown };

  // Why no change is acknowledged; writable again as soon as the reason is gone.
  enum class FileState {
    writable,
    full,     // the disk takes no more
    failing,  // no write succeeds, whatever is written
    gone,     // data.mdb was removed, moved away or replaced
  };

  void run();
  bool wait_for_work();
  void commit(const Batch& batch);
  void commit_in_small(const Batch& batch, Ending because);
  void settle(std::span<const TicketPtr> tickets, Ending ending);
  Ending attempt(std::span<const TicketPtr> tickets);
  Ending transact(std::span<const TicketPtr> tickets, std::string& reason);
  std::expected<Applied, int> apply(Application& application, Ticket& ticket);
  Ending ending_of(int error, bool sync_failed, bool disk_full);
  void complain(Ending ending, std::string_view reason);
  void fail(std::span<const TicketPtr> tickets, Ending ending);
  void sync_if_due(bool at_once);
  void stop(std::string_view reason);
  void look_at_disk();
  void probe();
  void set_file_state(FileState state);
  bool see_that_file_is_in_place();
  void begin_work();
  Batch end_work();
  static void hand_back(Batch batch, Outcome outcome);

  Environment& environment_;
  const CommitterOptions options_;
  const Clock& clock_;
  TrimmingDue& trimming_;
  Log& log_;
  Counters counters_;
  std::atomic<bool> stopped_ = false;                        // after a failed sync, for good
  std::atomic<FileState> file_state_ = FileState::writable;  // the thread changes it

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<TicketPtr> queue_;  // guarded by mutex_, as is all up to look_wanted_
  Batch batch_;                  // what the thread works on; it alone changes it
  std::optional<Moment> busy_since_;
  bool idle_ = false;  // the thread waits: only then must it be woken
  bool closing_ = false;
  bool stalled_ = false;
  bool look_wanted_ = false;

  std::optional<Moment> last_complaint_;  // the thread's own, as are the next three
  std::optional<Moment> sync_due_;        // something is committed and not synced
  bool look_due_ = false;                 // see look_at_disk()
  bool probe_due_ = false;                // a write failed
  std::mutex look_mutex_;                 // look() runs
  std::mutex close_mutex_;
  std::thread thread_;
};

}  // namespace sojourn::lmdb
