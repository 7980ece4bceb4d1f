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

// Of a change that nobody has begun.
std::unexpected<Error> not_begun() {
  return failure(
      ErrorKind::store_unavailable,
      "The store did not come to this change in time, and nothing was changed; try again "
      "later.");
}

std::unexpected<Error> full() {
  return failure(ErrorKind::store_full,
                 "The store has no room for this change; try again once it has more.");
}

bool means_no_room(int error) {
  return error == MDB_MAP_FULL || error == ENOSPC || error == EDQUOT || error == EFBIG;
}

// What LMDB says of pages that it cannot make sense of.
bool means_damage(int error) {
  return error == MDB_CORRUPTED || error == MDB_PAGE_NOTFOUND || error == MDB_CURSOR_FULL ||
         error == MDB_PAGE_FULL || error == MDB_INCOMPATIBLE || error == MDB_BAD_TXN;
}

std::string masked_id_of(const PreparedChange& change) {
  return change.concerns ? change.concerns->masked() : std::string();
}

// That the disk must take at once before a full disk counts as one no longer.
constexpr uint64_t kRoomAgain = uint64_t{1} << 20;

}  // namespace

Committer::Committer(Environment& environment, const CommitterOptions& options, const Clock& clock,
                     TrimmingDue& trimming, Log& log)
    : environment_(environment), options_(options), clock_(clock), trimming_(trimming), log_(log) {
  thread_ = std::thread([this] { run(); });
}

Result<void> Committer::submit(TicketPtr ticket) {
  bool wake;
  ticket->since = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || stalled_ || stopped_.load()) {
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
  // What a look has taken out of the queue is handed back before the homes may go.
  const std::lock_guard no_look(look_mutex_);
}

std::optional<store::Trouble> Committer::trouble() const {
  if (stopped_.load()) {
    return store::Trouble{
        "the disk did not confirm a write; restart the server once it is repaired",
        store::Trouble::Ends::by_restart};
  }
  const std::lock_guard lock(mutex_);
  if (stalled_) {
    return store::Trouble{"the disk does not answer; this ends when it does",
                          store::Trouble::Ends::by_itself};
  }
  if (closing_) return store::Trouble{"the store is closed", store::Trouble::Ends::by_restart};
  switch (file_state_.load()) {
    case FileState::writable:
      return std::nullopt;
    case FileState::full:
      return store::Trouble{"the disk takes no more; make room on it",
                            store::Trouble::Ends::by_itself, "store_full"};
    case FileState::failing:
      return store::Trouble{"no write to the store succeeds; run \"sojourn check\"",
                            store::Trouble::Ends::by_itself, "store_failing"};
    case FileState::gone:
      return store::Trouble{
          "data.mdb was removed, moved away or replaced; put it back, or restore a backup",
          store::Trouble::Ends::by_itself, "store_gone"};
  }
  return std::nullopt;
}

void Committer::look(Moment now) {
  const std::lock_guard one_at_a_time(look_mutex_);
  const Moment limit = now - options_.timeout;
  Batch not_come_to, at_the_disk;
  bool stalls = false;
  {
    const std::lock_guard lock(mutex_);
    while (!queue_.empty() && queue_.front()->since <= limit) {
      not_come_to.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    for (const TicketPtr& ticket : batch_) {
      if (ticket->since <= limit && !std::exchange(ticket->given_up, true)) {
        at_the_disk.push_back(ticket);
      }
    }
    stalls = busy_since_ && *busy_since_ <= limit && !std::exchange(stalled_, true);
  }
  if (stalls) {
    log_.write(LogLevel::error, "store.stalled",
               "The disk does not answer; changes are refused until it does. Reads go on.",
               {{"waited_ms", static_cast<uint64_t>(options_.timeout.count())}});
  }
  counters_.timed_out += not_come_to.size() + at_the_disk.size();
  counters_.failed += not_come_to.size();
  for (const TicketPtr& ticket : not_come_to) ticket->answer = not_begun();
  hand_back(std::move(not_come_to), Outcome::in_answer);
  hand_back(std::move(at_the_disk), Outcome::unknown);
}

size_t Committer::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Committer::run() {
  while (wait_for_work()) {
    if (!batch_.empty()) {
      commit(batch_);
      hand_back(end_work(), Outcome::in_answer);
    }
    if (look_due_ || probe_due_) look_at_disk();
    sync_if_due(false);
  }
  sync_if_due(true);
}

// Fills batch_, or leaves it empty when a sync or a look at the disk is due first. False: closed,
// and nothing waits.
bool Committer::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return !queue_.empty() || closing_ || look_wanted_; };
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
  batch_.assign(std::make_move_iterator(queue_.begin()),
                std::make_move_iterator(queue_.begin() + static_cast<ptrdiff_t>(size)));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(size));
  if (size > 0) busy_since_ = std::chrono::steady_clock::now();
  look_due_ = std::exchange(look_wanted_, false);
  return size > 0 || !closing_;
}

// The disk is asked: from now on it may turn out not to answer.
void Committer::begin_work() {
  const std::lock_guard lock(mutex_);
  busy_since_ = std::chrono::steady_clock::now();
}

// The disk answered, well or not: what batch_ held.
Committer::Batch Committer::end_work() {
  Batch batch;
  bool recovered = false;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(batch_);
    busy_since_.reset();
    recovered = std::exchange(stalled_, false) && !stopped_.load();
  }
  if (recovered) {
    log_.write(LogLevel::info, "store.recovered", "The disk answers again; changes are taken.");
  }
  return batch;
}

// Leaves an answer in every ticket.
void Committer::commit(const Batch& batch) {
  const Ending ending = attempt(batch);
  if (ending == Ending::no_room || ending == Ending::too_many) {
    commit_in_small(batch, ending);
  } else {
    settle(batch, ending);
  }
}

// Gives the tickets of an attempt their answers, for which it may take further ones.
void Committer::settle(std::span<const TicketPtr> tickets, Ending ending) {
  if (ending == Ending::damaged && tickets.size() > 1) {
    // Until what meets a damaged page is alone.
    const size_t half = tickets.size() / 2;
    for (const auto part : {tickets.first(half), tickets.subspan(half)})
      settle(part, attempt(part));
  } else if (ending != Ending::committed) {
    fail(tickets, ending);
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
      settle(tickets, attempt(tickets));
    }
  }
}

// One transaction of all `tickets`, or a second one after room was found.
Committer::Ending Committer::attempt(std::span<const TicketPtr> tickets) {
  std::string reason;
  Ending ending = transact(tickets, reason);
  if (ending == Ending::no_room && environment_.clear_dead_readers() > 0) {
    ending = transact(tickets, reason);
  }
  complain(ending, reason);
  return ending;
}

// The answers of `tickets` count only when the transaction was committed; else `reason` says why it
// was not.
Committer::Ending Committer::transact(std::span<const TicketPtr> tickets, std::string& reason) {
  if (stopped_.load()) return Ending::sync_failed;
  if (file_state_.load() == FileState::gone && !see_that_file_is_in_place()) return Ending::gone;
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
  if (error) {
    reason = mdb_strerror(error);
    return ending_of(error, calls.sync_failed(), calls.disk_full());
  }
  if (const auto time = application.earliest_event()) trimming_.filed(*time);
  if (!see_that_file_is_in_place()) return Ending::gone;
  if (file_state_.load() == FileState::failing) set_file_state(FileState::writable);

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
               {{"session", masked_id_of(change)}});
  }
  if (result->applied == Applied::damaged) {
    log_.write(LogLevel::error, "store.record_damaged",
               "What is stored of a session is damaged; it was not changed. Run \"sojourn check\".",
               {{"session", masked_id_of(change)}});
  }
  return result->applied;
}

Committer::Ending Committer::ending_of(int error, bool sync_failed, bool disk_full) {
  ++counters_.failed_batches;
  if (sync_failed || environment_.panicked()) {  // data pages; the meta page
    stop(mdb_strerror(error));
    return Ending::sync_failed;
  }
  if (disk_full) set_file_state(FileState::full);
  if (disk_full || means_no_room(error)) return Ending::no_room;
  probe_due_ = true;
  return means_damage(error) ? Ending::damaged : Ending::failed;
}

void Committer::complain(Ending ending, std::string_view reason) {
  const bool no_room = ending == Ending::no_room;
  const bool damage = ending == Ending::damaged;
  if (!no_room && !damage && ending != Ending::failed) return;
  const auto now = std::chrono::steady_clock::now();
  if (last_complaint_ && now - *last_complaint_ < kComplaintInterval) return;
  last_complaint_ = now;
  log_.write(LogLevel::error,
             no_room  ? "store.full"
             : damage ? "store.page_damaged"
                      : "store.write_failed",
             no_room  ? "A batch of changes found no room; make room on the disk or raise map_size."
             : damage ? "Changes met a damaged page, and were not made. Run \"sojourn check\"."
                      : "A batch of changes could not be written; later ones are tried.",
             {{"reason", reason}});
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
  begin_work();
  const WatchedCalls calls;
  if (const int error = environment_.sync()) stop(mdb_strerror(error));
  end_work();
}

void Committer::stop(std::string_view reason) {
  stopped_.store(true);
  ++counters_.failed_syncs;
  log_.write(LogLevel::error, "store.sync_failed",
             "The disk did not confirm a write; the store acknowledges no change until it is "
             "opened anew.",
             {{"reason", reason}});
}

void Committer::want_look_at_disk() {
  {
    const std::lock_guard lock(mutex_);
    look_wanted_ = true;
    if (!std::exchange(idle_, false)) return;
  }
  work_.notify_one();
}

// Whether the file is in its place, and whether what kept it from being written is over.
void Committer::look_at_disk() {
  begin_work();
  see_that_file_is_in_place();
  if (file_state_.load() == FileState::full && environment_.disk_has_room(kRoomAgain)) {
    set_file_state(FileState::writable);
  }
  if (std::exchange(probe_due_, false) || file_state_.load() == FileState::failing) probe();
  end_work();
}

// After a failed write: whether any write succeeds, by one that changes nothing. What it writes are
// free pages, as with all others.
void Committer::probe() {
  if (stopped_.load()) return;
  bool sync_failed = false;
  const int error = [&] {
    const WatchedCalls calls;
    WriteTransaction transaction;
    if (const int failed = transaction.begin(environment_)) return failed;
    const MDB_dbi meta = environment_.tables().meta;
    const auto value = find(transaction.handle(), meta, kFormat);
    if (!value) return value.error();
    if (!*value) return MDB_CORRUPTED;
    int failed = put(transaction.handle(), meta, kFormat, std::string(**value));
    if (!failed) failed = transaction.commit();
    sync_failed = calls.sync_failed();
    return failed;
  }();
  if (error && (sync_failed || environment_.panicked())) return stop(mdb_strerror(error));
  if (error && !means_no_room(error)) {
    set_file_state(FileState::failing);
  } else if (file_state_.load() == FileState::failing) {
    set_file_state(FileState::writable);
  }
}

bool Committer::see_that_file_is_in_place() {
  const bool in_place = environment_.in_place();
  if (!in_place) set_file_state(FileState::gone);
  if (in_place && file_state_.load() == FileState::gone) set_file_state(FileState::writable);
  return in_place;
}

void Committer::set_file_state(FileState state) {
  if (file_state_.exchange(state) == state) return;
  switch (state) {
    case FileState::writable:
      log_.write(LogLevel::info, "store.writable", "The store acknowledges changes again.");
      break;
    case FileState::full:
      log_.write(LogLevel::error, "store.disk_full",
                 "The disk takes no more; the server is not ready until it has room again.");
      break;
    case FileState::failing:
      log_.write(LogLevel::error, "store.not_writable",
                 "No write to the store succeeds; run \"sojourn check\".");
      break;
    case FileState::gone:
      log_.write(LogLevel::error, "store.gone",
                 "data.mdb was removed, moved away or replaced; no change is acknowledged. Put it "
                 "back, or restart.",
                 {{"path", environment_.path().string()}});
      break;
  }
}

// Hands every ticket back to its home, with one post() for each home.
void Committer::hand_back(Batch batch, Outcome outcome) {
  std::vector<Batch> by_home;  // few: there is one home for each I/O thread
  for (TicketPtr& ticket : batch) {
    const auto group = std::ranges::find_if(
        by_home, [&ticket](const Batch& other) { return &other[0]->home == &ticket->home; });
    (group != by_home.end() ? *group : by_home.emplace_back()).push_back(std::move(ticket));
  }
  for (Batch& tickets : by_home) {
    Executor& home = tickets[0]->home;
    home.post([tickets = std::move(tickets), outcome] {
      for (const TicketPtr& ticket : tickets) {
        if (ticket->done) continue;  // told before that the outcome is unknown
        ticket->done = true;
        ticket->unknown = outcome == Outcome::unknown;
        // Whoever is resumed may drop others that wait here; those then have no waiter.
        if (ticket->waiter) std::exchange(ticket->waiter, {}).resume();
      }
    });
  }
}

}  // namespace sojourn::lmdb
