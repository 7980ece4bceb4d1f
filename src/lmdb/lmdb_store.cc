#include "lmdb_store.h"

#include <cassert>

#include "engine.h"
#include "record.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::CommitOutcome;

constexpr uint64_t kMinMapSize = uint64_t{1} << 20;
constexpr size_t kMaxBatch = 4'096;
constexpr Duration kMaxSyncInterval = std::chrono::minutes(1);

std::unexpected<Error> cannot_read() {
  return failure(ErrorKind::store_unavailable, "The store cannot read this session at the moment.");
}

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
  Result<CommitOutcome> await_resume() { return std::move(ticket_->answer); }

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
  }
  ~LmdbStore() override { --engine_.stores; }

  Task<Result<std::optional<Session>>> get(const domain::TenantId& tenant,
                                           const domain::SessionId& id) override {
    if (const int error = view_.renew()) return unreadable(id, mdb_strerror(error));
    Result<std::optional<Session>> read = read_in_view(tenant, id);
    view_.pause();
    return read;
  }

  Task<Result<CommitOutcome>> commit(const domain::Change& change) override {
    auto prepared = prepare(change);
    if (!prepared) return Result<CommitOutcome>(std::unexpected(prepared.error()));
    const auto ticket = std::make_shared<Ticket>(*std::move(prepared), home_);
    if (auto taken = engine_.committer.submit(ticket); !taken) {
      return Result<CommitOutcome>(std::unexpected(taken.error()));
    }
    return answer_of(ticket);
  }

 private:
  Result<std::optional<Session>> read_in_view(const domain::TenantId& tenant,
                                              const domain::SessionId& id) {
    const SessionKeyBytes key(tenant, id);
    const auto value = find(view_.handle(), engine_.environment->tables().sessions, key.view());
    if (!value) return unreadable(id, mdb_strerror(value.error()));
    if (!*value) return std::nullopt;
    const auto opened = open_record(key.view(), **value);
    if (!opened) return damaged(id);
    auto session = decoded_body(opened->body, tenant, id);
    if (!session) return damaged(id);
    return *std::move(session);
  }

  std::unexpected<Error> damaged(const domain::SessionId& id) {
    ++engine_.damaged_reads;
    engine_.log.write(LogLevel::error, "store.record_damaged",
                      "The stored record of a session is damaged; it was not shown.",
                      {{"session", id.masked()}});
    return cannot_read();
  }

  Result<std::optional<Session>> unreadable(const domain::SessionId& id, std::string_view reason) {
    engine_.log.write(LogLevel::error, "store.read_failed", "A session could not be read.",
                      {{"session", id.masked()}, {"reason", reason}});
    return cannot_read();
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
  auto impl = std::make_unique<Impl>(*std::move(environment),
                                     CommitterOptions{.sync_interval = options.sync_interval,
                                                      .max_waiting = options.max_waiting,
                                                      .max_batch = options.max_batch},
                                     log);
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

bool LmdbEngine::healthy() const { return impl_->committer.healthy(); }

void LmdbEngine::close() { impl_->committer.close(); }

LmdbCounters LmdbEngine::counters() const {
  const Committer::Counters& from = impl_->committer.counters();
  return {.committed = from.committed.load(),
          .conflicts = from.conflicts.load(),
          .failed = from.failed.load(),
          .refused = from.refused.load(),
          .batches = from.batches.load(),
          .failed_batches = from.failed_batches.load(),
          .damaged_reads = impl_->damaged_reads.load(),
          .waiting = impl_->committer.waiting()};
}

}  // namespace sojourn::lmdb
