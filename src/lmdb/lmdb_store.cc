#include "lmdb_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "engine.h"
#include "index_builder.h"
#include "net/loop.h"
#include "queries.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::CommitOutcome;

constexpr uint64_t kMinMapSize = uint64_t{1} << 20;
constexpr size_t kMaxBatch = 4'096;
constexpr Duration kMaxSyncInterval = std::chrono::minutes(1);
constexpr Duration kMaxCommitTimeout = std::chrono::hours(1);

// Waits until a ticket is answered.
class Answer {
 public:
  explicit Answer(TicketPtr ticket) : ticket_(std::move(ticket)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  // The waiting coroutine may be dropped: then the answer finds nobody.
  ~Answer() { ticket_->waiter = {}; }

  bool await_ready() const { return ticket_->done; }
  void await_suspend(std::coroutine_handle<> waiter) { ticket_->waiter = waiter; }
  Result<CommitOutcome> await_resume() {
    if (!ticket_->unknown) return std::move(ticket_->answer);
    return failure(ErrorKind::store_unavailable,
                   "The disk did not confirm this change in time, and it may still be made; look "
                   "whether it was before you send it again.");
  }

 private:
  TicketPtr ticket_;
};

Task<Result<CommitOutcome>> answer_of(TicketPtr ticket) {
  co_return co_await Answer(std::move(ticket));
}

class LmdbStore final : public store::SessionStore {
 public:
  LmdbStore(LmdbEngine::Impl& engine, Executor& home)
      : engine_(engine), home_(home), view_(*engine.environment) {
    ++engine_.stores;
    // Its place among the readers, before others can take the last; else the first read tries
    // again.
    if (view_.renew() == 0) view_.pause();
  }
  ~LmdbStore() override { --engine_.stores; }

  Task<Result<std::optional<Session>>> get(const domain::TenantId& tenant,
                                           const domain::SessionId& id) override {
    return read([&](Queries in) { return in.session(tenant, id); });
  }

  Task<Result<CommitOutcome>> commit(const domain::Change& change) override {
    auto prepared = prepare(change, engine_.indexed);
    if (!prepared) return Result<CommitOutcome>(std::unexpected(prepared.error()));
    const auto ticket = std::make_shared<Ticket>(*std::move(prepared), home_);
    if (auto taken = engine_.committer.submit(ticket); !taken) {
      return Result<CommitOutcome>(std::unexpected(taken.error()));
    }
    return answer_of(ticket);
  }

  Task<Result<store::SessionPage>> find(const store::Query& query) override {
    if (query.where && !is_indexed(query.where->attribute)) {
      const std::string_view name = encoding::name_of(query.where->attribute);
      return Result<store::SessionPage>(failure(
          ErrorKind::invalid_parameter,
          fmt::format("Sessions cannot be listed by {0}; add \"{0}\" to the option sessions.index.",
                      name)));
    }
    return read([&](Queries in) { return in.page(query); });
  }

  Task<Result<domain::Counts>> count(const domain::TenantId& tenant) override {
    return read([&](Queries in) { return in.counts(tenant); });
  }

  Task<Result<std::vector<store::Due>>> due(Time now, size_t limit) override {
    return read([&](Queries in) { return in.due(now, limit); });
  }

  Task<Result<std::optional<domain::IdempotencyEntry>>> idempotency_entry(
      const domain::TenantId& tenant, const std::string& key) override {
    return read([&](Queries in) { return in.idempotency_entry(tenant, key); });
  }

  Task<Result<domain::EventPage>> events(const store::EventQuery& query) override {
    return read([&](Queries in) { return in.events(query); });
  }

  Task<Result<size_t>> trim_events(Time time, size_t limit) override {
    const Time now = engine_.clock.now();
    TrimmingDue& due = engine_.trimming;
    Trimming work;
    if (due.is_due(time)) {
      due.looking();
      auto found = read([&](Queries in) { return in.events_before(time, limit); });
      if (!found || found->events.size() == limit) due.unknown();
      if (!found) co_return std::unexpected(found.error());
      due.seen(found->oldest_kept);
      work.events = std::move(found->events);
    }
    if (due.marks_are_due(now)) {
      auto found = read([&](Queries in) { return in.marks_before(now - store::kMarkKept, limit); });
      if (!found) co_return std::unexpected(found.error());
      if (found->size() < limit) due.marks_seen(now);
      work.marks = *std::move(found);
    }
    if (work.empty()) co_return size_t{0};
    const auto trimmed = co_await trimmed_by(std::move(work));
    if (!trimmed) due.unknown();
    co_return trimmed;
  }

 private:
  bool is_indexed(domain::IdentityAttribute attribute) const {
    return std::ranges::find(engine_.indexed, attribute) != engine_.indexed.end();
  }

  Task<Result<size_t>> trimmed_by(Trimming work) {
    const auto ticket = std::make_shared<Ticket>(std::move(work), home_);
    if (auto taken = engine_.committer.submit(ticket); !taken) {
      co_return std::unexpected(taken.error());
    }
    const auto outcome = co_await Answer(ticket);
    if (!outcome) co_return std::unexpected(outcome.error());
    co_return ticket->trimmed;
  }

  // What `query` says of this moment.
  template <class Query>
  auto read(Query query) -> Result<typename std::invoke_result_t<Query, Queries>::value_type> {
    if (const int error = view_.renew()) return failed({.error = error, .table = "meta"});
    struct Pause {
      ReadTransaction& view;
      ~Pause() { view.pause(); }
    } const pause{view_};
    auto answer = query(Queries(view_.view()));
    if (!answer) return failed(answer.error());
    return *std::move(answer);
  }

  std::unexpected<Error> failed(const ReadFault& fault) {
    if (fault.page) {
      ++engine_.damaged_reads;
      engine_.log.write(
          LogLevel::error, "store.page_damaged",
          "A page of data.mdb is damaged; nothing was answered from it. Run \"sojourn "
          "check\".",
          {{"table", fault.table},
           {"session", fault.masked_id},
           {"page", fault.page->page},
           {"problem", fault.page->what}});
    } else if (fault.damage()) {
      ++engine_.damaged_reads;
      engine_.log.write(LogLevel::error, "store.record_damaged",
                        "Something stored is damaged; it was not shown. Run \"sojourn check\".",
                        {{"table", fault.table}, {"session", fault.masked_id}});
    } else {
      engine_.log.write(LogLevel::error, "store.read_failed", "The store could not be read.",
                        {{"table", fault.table},
                         {"session", fault.masked_id},
                         {"reason", mdb_strerror(fault.error)}});
    }
    return failure(ErrorKind::store_unavailable,
                   "The store cannot read what was asked for at the moment; try again later.");
  }

  LmdbEngine::Impl& engine_;
  Executor& home_;
  ReadTransaction view_;
};

Result<void> check_options(const LmdbOptions& options) {
  const auto refused = [](std::string sentence) {
    return failure(ErrorKind::store_unavailable, std::move(sentence));
  };
  if (options.map_size < kMinMapSize) return refused("map_size must be at least 1 MiB.");
  if (options.max_waiting < 1) return refused("max_waiting must be at least 1.");
  if (options.max_batch < 1 || options.max_batch > kMaxBatch) {
    return refused("max_batch must be 1 to 4096.");
  }
  if (options.sync_interval &&
      (*options.sync_interval < Duration(1) || *options.sync_interval > kMaxSyncInterval)) {
    return refused("The interval of durability must be 1 ms to 1 minute.");
  }
  if (options.commit_timeout < Duration(1) || options.commit_timeout > kMaxCommitTimeout) {
    return refused("commit_timeout must be 1 ms to 1 hour.");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LmdbEngine>> LmdbEngine::open(const LmdbOptions& options, const Clock& clock,
                                                     Entropy& entropy, Log& log) {
  if (auto checked = check_options(options); !checked) return std::unexpected(checked.error());
  auto environment = Environment::open(
      {.path = options.path, .map_size = options.map_size, .sync_commits = !options.sync_interval},
      clock, entropy);
  if (!environment) return std::unexpected(environment.error());
  if (const uint32_t found = (*environment)->found_format(); found != kFormatVersion) {
    log.write(LogLevel::info, "store.upgraded",
              "The data directory has a newer format now, which older servers refuse.",
              {{"from", std::to_string(found)}, {"to", std::to_string(kFormatVersion)}});
  }
  std::vector<domain::IdentityAttribute> indexed = options.indexed;
  std::ranges::sort(indexed);
  indexed.erase(std::ranges::unique(indexed).begin(), indexed.end());
  if (auto fits = fit_index(**environment, indexed, log); !fits) {
    return std::unexpected(fits.error());
  }
  auto impl = std::make_unique<Impl>(*std::move(environment), std::move(indexed),
                                     CommitterOptions{.sync_interval = options.sync_interval,
                                                      .max_waiting = options.max_waiting,
                                                      .max_batch = options.max_batch,
                                                      .timeout = options.commit_timeout},
                                     clock, log);
  return std::unique_ptr<LmdbEngine>(new LmdbEngine(std::move(impl)));
}

LmdbEngine::LmdbEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LmdbEngine::~LmdbEngine() {
  close();
  // A store object reads the memory map that is about to go.
  assert(impl_->stores.load() == 0);
}

std::unique_ptr<store::SessionStore> LmdbEngine::store_for(Executor& home) {
  return std::make_unique<LmdbStore>(*impl_, home);
}

std::unique_ptr<store::SessionStore> LmdbEngine::store_for(net::Loop& home) {
  return store_for(static_cast<Executor&>(home));
}

std::optional<store::Trouble> LmdbEngine::trouble() const { return impl_->committer.trouble(); }

void LmdbEngine::close() { impl_->committer.close(); }

store::Statistics LmdbEngine::statistics() const {
  const Committer::Counters& from = impl_->committer.counters();
  const Readers::Counters& readers = impl_->readers.counters();
  return {.committed = from.committed.load(),
          .conflicts = from.conflicts.load(),
          .failed = from.failed.load(),
          .refused = from.refused.load(),
          .batches = from.batches.load(),
          .failed_batches = from.failed_batches.load(),
          .failed_syncs = from.failed_syncs.load(),
          .timed_out = from.timed_out.load(),
          .damaged_reads = impl_->damaged_reads.load(),
          .waiting = impl_->committer.waiting(),
          .batch_sizes = from.batch_sizes.view(),
          .commit_duration = from.commit_duration.view(),
          .space = impl_->environment->space(),
          .readers = store::ReaderStatistics{
              .others = readers.others.load(),
              .oldest = Duration(static_cast<int64_t>(readers.oldest_ms.load())),
              .cleared = impl_->environment->dead_readers()}};
}

Result<store::TenantCounts> LmdbEngine::sessions_by_tenant(size_t limit) const {
  ReadTransaction view(*impl_->environment);
  if (view.renew() == 0) {
    auto counts = Queries(view.view()).counts_by_tenant(limit);
    if (counts) return *std::move(counts);
  }
  return failure(ErrorKind::store_unavailable, "The sessions of the tenants could not be read.");
}

}  // namespace sojourn::lmdb
