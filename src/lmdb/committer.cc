#include "committer.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <utility>

#include "file_operations.h"

namespace sojourn::lmdb {
namespace {

using store::CommitOutcome;

// Of changes that need no more room than they free, once there is no room for those that do.
constexpr size_t kSmallBatch = 16;

// A store that stays full is not to fill the log too.
constexpr std::chrono::seconds kComplaintInterval{1};

std::unexpected<Error> unavailable() {
  return failure(ErrorKind::store_unavailable,
                 "The store cannot take changes at the moment; try again later.");
}

std::unexpected<Error> full() {
  return failure(ErrorKind::store_full,
                 "The store has no room for this change; try again once it has more.");
}

bool means_no_room(int error) {
  return error == MDB_MAP_FULL || error == ENOSPC || error == EDQUOT || error == EFBIG;
}

}  // namespace

Committer::Committer(Environment& environment, const CommitterOptions& options, const Clock& clock,
                     TrimmingDue& trimming, Log& log)
    : environment_(environment), options_(options), clock_(clock), trimming_(trimming), log_(log) {
  thread_ = std::thread([this] { run(); });
}

Result<void> Committer::submit(TicketPtr ticket) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || stopped_.load()) {
      ++counters_.refused;
      return unavailable();
    }
    if (queue_.size() >= options_.max_waiting) {
      ++counters_.refused;
      return failure(ErrorKind::overloaded,
                     "Too many changes wait for the store; try again later.");
    }
    queue_.push_back(std::move(ticket));
    wake = std::exchange(idle_, false);
  }
  if (wake) work_.notify_one();
  return {};
}

void Committer::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    idle_ = false;
  }
  work_.notify_one();
  const std::lock_guard lock(close_mutex_);
  if (thread_.joinable()) thread_.join();
}

bool Committer::healthy() const {
  if (stopped_.load()) return false;
  const std::lock_guard lock(mutex_);
  return !closing_;
}

size_t Committer::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Committer::run() {
  Batch batch;
  while (wait_for_work(batch)) {
    if (!batch.empty()) {
      commit(batch);
      answer(batch);
    }
    sync_if_due(false);
  }
  sync_if_due(true);
}

// Fills `batch`, or leaves it empty when a sync is due first. False: closed, and nothing waits.
bool Committer::wait_for_work(Batch& batch) {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return !queue_.empty() || closing_; };
  if (!something()) {
    idle_ = true;
    if (sync_due_) {
      work_.wait_until(lock, *sync_due_, something);
    } else {
      work_.wait(lock, something);
    }
    idle_ = false;
  }
  const size_t size = std::min(queue_.size(), options_.max_batch);
  batch.assign(std::make_move_iterator(queue_.begin()),
               std::make_move_iterator(queue_.begin() + static_cast<ptrdiff_t>(size)));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(size));
  return size > 0 || !closing_;
}

// Leaves an answer in every ticket.
void Committer::commit(const Batch& batch) {
  const Ending ending = attempt(batch);
  if (ending == Ending::no_room || ending == Ending::too_many) {
    commit_in_small(batch, ending);
  } else if (ending != Ending::committed) {
    fail(batch, ending);
  }
}

// Small transactions, since each needs room for the pages it changes; those apart that may use more
// of it, and last those that may use least. These had their try when there was no room for them.
void Committer::commit_in_small(const Batch& batch, Ending because) {
  for (const Room room : {Room::none, Room::end, Room::more}) {
    Batch alike;
    std::ranges::copy_if(batch, std::back_inserter(alike),
                         [room](const TicketPtr& ticket) { return ticket->room() == room; });
    if (room == Room::more && because == Ending::no_room) return fail(alike, Ending::no_room);
    for (size_t begin = 0; begin < alike.size(); begin += kSmallBatch) {
      const auto tickets = std::span<const TicketPtr>(alike).subspan(
          begin, std::min(kSmallBatch, alike.size() - begin));
      const Ending ending = attempt(tickets);
      if (ending != Ending::committed) fail(tickets, ending);
    }
  }
}

// One transaction of all `tickets`. Their answers count only when it was committed.
Committer::Ending Committer::attempt(std::span<const TicketPtr> tickets) {
  if (stopped_.load()) return Ending::sync_failed;
  Room room = Room::none;
  for (const TicketPtr& ticket : tickets) room = std::max(room, ticket->room());
  const auto allowance = environment_.allowance_of(room);
  if (allowance.only_small && tickets.size() > kSmallBatch) return Ending::too_many;
  const auto begun = std::chrono::steady_clock::now();
  const WatchedCalls calls(allowance.limit);
  WriteTransaction transaction;
  int error = transaction.begin(environment_);
  Application application(transaction.handle(), environment_.tables(), clock_.now());
  uint64_t committed = 0, conflicts = 0, failed = 0;
  for (const TicketPtr& ticket : tickets) {
    if (error) break;
    const auto applied = apply(application, *ticket);
    if (!applied) {
      error = applied.error();
      break;
    }
    switch (*applied) {
      case Applied::done:
        ticket->answer = CommitOutcome::committed;
        ++committed;
        break;
      case Applied::conflict:
        ticket->answer = CommitOutcome::conflict;
        ++conflicts;
        break;
      case Applied::damaged:
        ticket->answer = unavailable();
        ++failed;
        break;
    }
  }
  if (!error) error = application.finish();
  if (!error) error = transaction.commit();
  if (error) return ending_of(error, calls.sync_failed(), calls.short_write());

  if (const auto time = application.earliest_event()) trimming_.filed(*time);
  counters_.committed += committed;
  counters_.conflicts += conflicts;
  counters_.failed += failed;
  ++counters_.batches;
  counters_.batch_sizes.add(tickets.size());
  const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - begun;
  counters_.commit_duration.add(static_cast<uint64_t>(taken.count()));
  if (options_.sync_interval && committed > 0 && !sync_due_) {
    sync_due_ = std::chrono::steady_clock::now() + *options_.sync_interval;
  }
  return Ending::committed;
}

std::expected<Applied, int> Committer::apply(Application& application, Ticket& ticket) {
  if (const auto* trimming = std::get_if<Trimming>(&ticket.work)) {
    const auto trimmed = application.trim(*trimming);
    if (!trimmed) return std::unexpected(trimmed.error());
    ticket.trimmed = *trimmed;
    return Applied::done;
  }
  const auto& change = std::get<PreparedChange>(ticket.work);
  const auto result = application.apply(change);
  if (!result) return std::unexpected(result.error());
  if (result->disagreement) {
    log_.write(LogLevel::error, "store.tables_disagree",
               "An entry of a session was missing or wrong; run \"sojourn check\".",
               {{"session", change.masked_id}});
  }
  if (result->applied == Applied::damaged) {
    log_.write(LogLevel::error, "store.record_damaged",
               "What is stored of a session is damaged; it was not changed. Run \"sojourn check\".",
               {{"session", change.masked_id}});
  }
  return result->applied;
}

Committer::Ending Committer::ending_of(int error, bool sync_failed, bool short_write) {
  ++counters_.failed_batches;
  const std::string reason = mdb_strerror(error);
  if (sync_failed || environment_.panicked()) {  // data pages; the meta page
    stop(reason);
    return Ending::sync_failed;
  }
  const bool no_room = short_write || means_no_room(error);
  const auto now = std::chrono::steady_clock::now();
  if (!last_complaint_ || now - *last_complaint_ >= kComplaintInterval) {
    last_complaint_ = now;
    log_.write(LogLevel::error, no_room ? "store.full" : "store.write_failed",
               no_room
                   ? "A batch of changes found no room; make room on the disk or raise map_size."
                   : "A batch of changes could not be written; later ones are tried.",
               {{"reason", reason}});
  }
  return no_room ? Ending::no_room : Ending::failed;
}

void Committer::fail(std::span<const TicketPtr> tickets, Ending ending) {
  for (const TicketPtr& ticket : tickets) {
    ticket->answer = ending == Ending::no_room ? full() : unavailable();
  }
  counters_.failed += tickets.size();
}

void Committer::sync_if_due(bool at_once) {
  if (!sync_due_ || stopped_.load()) return;
  if (!at_once && std::chrono::steady_clock::now() < *sync_due_) return;
  sync_due_.reset();
  const WatchedCalls calls;
  if (const int error = environment_.sync()) stop(mdb_strerror(error));
}

void Committer::stop(std::string_view reason) {
  stopped_.store(true);
  ++counters_.failed_syncs;
  log_.write(LogLevel::error, "store.sync_failed",
             "The disk did not confirm a write; the store acknowledges no change until it is "
             "opened anew.",
             {{"reason", reason}});
}

// Hands every ticket back to its home, with one post() for each home.
void Committer::answer(Batch& batch) {
  std::vector<Batch> by_home;  // few: there is one home for each I/O thread
  for (TicketPtr& ticket : batch) {
    const auto group = std::ranges::find_if(
        by_home, [&ticket](const Batch& other) { return &other[0]->home == &ticket->home; });
    (group != by_home.end() ? *group : by_home.emplace_back()).push_back(std::move(ticket));
  }
  batch.clear();
  for (Batch& tickets : by_home) {
    Executor& home = tickets[0]->home;
    home.post([tickets = std::move(tickets)] {
      for (const TicketPtr& ticket : tickets) {
        ticket->done = true;
        // Whoever is resumed may drop others that wait here; those then have no waiter.
        if (ticket->waiter) std::exchange(ticket->waiter, {}).resume();
      }
    });
  }
}

}  // namespace sojourn::lmdb
