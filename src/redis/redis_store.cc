#include "redis/redis_store.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>

#include "background.h"
#include "base/counter.h"
#include "base/sleep.h"
#include "commits.h"
#include "due.h"
#include "due_times.h"
#include "event_log.h"
#include "index.h"
#include "index_builder.h"
#include "lists.h"
#include "opening.h"
#include "presence.h"
#include "redis/scripts.h"
#include "servers.h"
#include "session_record.h"

namespace sojourn::redis {

namespace {

// What one loop counts.
struct Counted {
  explicit Counted(const Client& client) : servers(client.counters()) {}

  // Changes, by how they ended.
  Counter begun, committed, conflicts, failed, refused;
  Distribution durations{kDurations};  // of committed ones, nanoseconds

  uint64_t waiting() const {
    const uint64_t ended = committed.value() + conflicts.value() + failed.value() + refused.value();
    return begun.value() - std::min(begun.value(), ended);
  }
  const std::shared_ptr<const ClientCounters> servers;
};

}  // namespace

struct RedisEngine::Impl {
  Impl(const RedisStoreOptions& given, ClientFactory factory, Entropy& random, Log& to)
      : options(given), make_client(std::move(factory)), entropy(random), log(to) {}

  const RedisStoreOptions options;
  const ClientFactory make_client;
  Entropy& entropy;
  Log& log;
  const Scripts scripts;
  Health health;
  Shared shared;
  std::atomic<bool> closed = false;

  // What the loops count; they add themselves.
  std::mutex counted_mutex;
  std::vector<std::shared_ptr<const Counted>> counted;
};

namespace {

using domain::Session;
using store::CommitOutcome;

template <class T>
Task<Result<T>> refused(ErrorKind kind, std::string sentence) {
  return Result<T>(failure(kind, std::move(sentence)));
}

class RedisStore final : public store::SessionStore {
 public:
  RedisStore(RedisEngine::Impl& engine, net::Loop& home)
      : engine_(engine),
        client_(engine.make_client(home)),
        servers_(*client_, engine.scripts, engine.options.servers.wait_replicas, engine.health,
                 engine.log),
        presence_(servers_, engine.entropy),
        index_(servers_, engine.options.indexed),
        events_(servers_, engine.shared.trimming, background_),
        commits_(servers_, presence_, index_, events_, engine.shared, background_, engine.entropy),
        lists_(servers_, presence_, index_),
        due_(servers_, engine.shared, commits_, index_, events_),
        counted_(std::make_shared<Counted>(*client_)) {
    const std::lock_guard lock(engine.counted_mutex);
    engine.counted.push_back(counted_);
  }
  ~RedisStore() override { client_->close(); }

  Task<Result<std::optional<Session>>> get(const domain::TenantId& tenant,
                                           const domain::SessionId& id) override {
    return session_of(servers_, tenant, id);
  }

  Task<Result<CommitOutcome>> commit(const domain::Change& change) override {
    if (engine_.closed) {
      counted_->begun.add();
      counted_->refused.add();
      return refused<CommitOutcome>(ErrorKind::store_unavailable, "The store is closed.");
    }
    return counted(change);
  }

  Task<Result<store::SessionPage>> find(const store::Query& query) override {
    return lists_.find(query);
  }

  Task<Result<domain::Counts>> count(const domain::TenantId& tenant) override {
    return lists_.count(tenant);
  }

  Task<Result<std::vector<store::Due>>> due(Time now, size_t limit) override {
    return due_.due(now, limit);
  }

  Task<Result<std::optional<domain::IdempotencyEntry>>> idempotency_entry(
      const domain::TenantId& tenant, const std::string& key) override {
    return commits_.idempotency_entry(tenant, key);
  }

  Task<Result<domain::EventPage>> events(const store::EventQuery& query) override {
    return events_.read(query);
  }

  Task<Result<size_t>> trim_events(Time time, size_t limit) override {
    return due_.trim_events(time, limit);
  }

 private:
  Task<Result<CommitOutcome>> counted(const domain::Change& change) {
    counted_->begun.add();
    const auto begun = std::chrono::steady_clock::now();
    auto outcome = co_await commits_.commit(change);
    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - begun;
    if (!outcome) {
      const bool refused = outcome.error().kind == ErrorKind::overloaded;
      (refused ? counted_->refused : counted_->failed).add();
    } else if (*outcome == CommitOutcome::conflict) {
      counted_->conflicts.add();
    } else {
      counted_->committed.add();
      counted_->durations.add(static_cast<uint64_t>(taken.count()));
    }
    co_return outcome;
  }

  RedisEngine::Impl& engine_;
  const std::unique_ptr<Client> client_;
  Servers servers_;
  Presence presence_;
  Index index_;
  Background background_;
  EventLog events_;
  Commits commits_;
  Lists lists_;
  DueScan due_;
  const std::shared_ptr<Counted> counted_;
};

// Events that processes left behind which died between a commit and its event. All shards, since
// nobody knows which.
Task<Result<void>> publish_what_was_left(Servers& servers, RedisEngine::Impl& engine) {
  constexpr size_t kAtOnce = 128;
  Background background;
  EventLog events(servers, engine.shared.trimming, background);
  for (size_t first = 0; first < kShards; first += kAtOnce) {
    std::vector<Task<Result<void>>> drains;
    for (size_t i = 0; i < kAtOnce; ++i) drains.push_back(events.drain(first + i));
    const auto outcomes = co_await when_all(std::move(drains));
    for (const auto& outcome : outcomes) {
      if (!outcome) co_return outcome;
    }
  }
  co_return Result<void>();
}

// Until they can be used, or that is not to be expected.
Task<Result<void>> wait_for_servers(net::Loop& loop, Client& client, RedisEngine::Impl& engine,
                                    const std::function<bool()>& stop) {
  constexpr Duration kBetweenLooks = std::chrono::milliseconds(200);
  const auto until = std::chrono::steady_clock::now() + engine.options.servers.start_timeout;
  std::string told;
  for (;;) {
    auto checked = co_await check_servers(client, engine.log);
    if (checked) co_return Result<void>();
    std::string reason = std::move(checked.error().sentence);
    if (!checked.error().may_pass || std::chrono::steady_clock::now() >= until || stop()) {
      co_return failure(ErrorKind::store_unavailable, std::move(reason));
    }
    if (reason != told) {
      engine.log.write(LogLevel::warning, "redis.waiting",
                       "Waits for the Redis servers, for store.redis.start_timeout at most.",
                       {{"reason", reason}});
      told = std::move(reason);
    }
    co_await sleep(loop, kBetweenLooks);
  }
}

Task<Result<void>> begin(net::Loop& loop, Client& client, RedisEngine::Impl& engine,
                         const std::function<bool()>& stop) {
  const auto fine = co_await wait_for_servers(loop, client, engine, stop);
  if (!fine) co_return fine;
  Servers servers(client, engine.scripts, engine.options.servers.wait_replicas, engine.health,
                  engine.log);
  const auto published = co_await publish_what_was_left(servers, engine);
  if (!published) co_return published;
  Presence presence(servers, engine.entropy);
  co_return co_await fit_index(client, servers, presence, engine.options.indexed, stop);
}

// Does that on a loop of its own, and waits for it.
Result<void> begin_and_wait(RedisEngine::Impl& engine, const std::function<bool()>& stop) {
  net::Loop loop;
  const std::unique_ptr<Client> client = engine.make_client(loop);
  Task<Result<void>> task = begin(loop, *client, engine, stop);
  std::promise<void> done;
  loop.start();
  loop.post([&] {
    const auto finish = [](void* promise) {
      static_cast<std::promise<void>*>(promise)->set_value();
    };
    if (task.start(finish, &done)) finish(&done);
  });
  done.get_future().wait();  // ends: every command has its time limit
  loop.stop();
  return task.take();
}

}  // namespace

Result<std::unique_ptr<RedisEngine>> RedisEngine::open(const RedisStoreOptions& options,
                                                       ClientFactory make_client, Entropy& entropy,
                                                       Log& log,
                                                       const std::function<bool()>& stop) {
  auto engine = std::make_unique<Impl>(options, std::move(make_client), entropy, log);
  if (const auto fine = begin_and_wait(*engine, stop); !fine) return std::unexpected(fine.error());
  return std::unique_ptr<RedisEngine>(new RedisEngine(std::move(engine)));
}

RedisEngine::RedisEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RedisEngine::~RedisEngine() = default;

std::unique_ptr<store::SessionStore> RedisEngine::store_for(net::Loop& home) {
  return std::make_unique<RedisStore>(*impl_, home);
}

store::Statistics RedisEngine::statistics() const {
  store::Statistics all;
  store::ServerStatistics& servers = all.servers.emplace();
  for (const std::string_view code : ClientCounters::kErrorCodes)
    servers.errors.push_back({code, 0});
  servers.failing_shards = impl_->shared.failing.count();
  const std::lock_guard lock(impl_->counted_mutex);
  for (const auto& loop : impl_->counted) {
    all.committed += loop->committed.value();
    all.conflicts += loop->conflicts.value();
    all.failed += loop->failed.value();
    all.refused += loop->refused.value();
    all.waiting += loop->waiting();
    all.commit_duration += loop->durations.view();
    const ClientCounters& client = *loop->servers;
    servers.answered += client.answered.value();
    servers.timed_out += client.timed_out.value();
    servers.lost += client.lost.value();
    servers.refused += client.refused.value();
    servers.waiting += client.pending();
    servers.durations += client.durations.view();
    servers.retries += client.retried.value();
    servers.unconfirmed += client.unconfirmed.value();
    for (size_t i = 0; i < servers.errors.size(); ++i) {
      servers.errors[i].second += client.errors[i].value();
    }
    servers.connections += client.connections();
    servers.connects += client.connects.value();
    servers.failed_connects += client.connects_failed.value();
    servers.lost_connections += client.lost_connections.value();
    servers.map_refreshes += client.map_refreshes.value();
  }
  return all;
}

std::optional<store::Trouble> RedisEngine::trouble() const {
  if (!impl_->closed && impl_->health.good()) return std::nullopt;
  return store::Trouble{"the Redis servers do not answer; this ends when they do",
                        store::Trouble::Ends::by_itself};
}

void RedisEngine::close() { impl_->closed = true; }

}  // namespace sojourn::redis
