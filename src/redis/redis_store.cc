#include "redis/redis_store.h"

#include <atomic>
#include <charconv>
#include <future>

#include "background.h"
#include "commits.h"
#include "due.h"
#include "due_times.h"
#include "event_log.h"
#include "index.h"
#include "lists.h"
#include "opening.h"
#include "presence.h"
#include "redis/scripts.h"
#include "servers.h"
#include "session_record.h"

namespace sojourn::redis {

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
        events_(servers_, engine.shared.trimming),
        commits_(servers_, presence_, index_, events_, engine.shared, background_, engine.entropy),
        lists_(servers_, presence_, index_),
        due_(servers_, engine.shared, commits_, index_, events_) {}
  ~RedisStore() override { client_->close(); }

  Task<Result<std::optional<Session>>> get(const domain::TenantId& tenant,
                                           const domain::SessionId& id) override {
    return session_of(servers_, tenant, id);
  }

  Task<Result<CommitOutcome>> commit(const domain::Change& change) override {
    if (engine_.closed) {
      return refused<CommitOutcome>(ErrorKind::store_unavailable, "The store is closed.");
    }
    return commits_.commit(change);
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

  Task<Result<std::vector<domain::LoggedEvent>>> events(const domain::TenantId& tenant,
                                                        const std::string& cursor,
                                                        size_t limit) override {
    uint64_t after = 0;
    const char* end = cursor.data() + cursor.size();
    const auto read_to = std::from_chars(cursor.data(), end, after);
    if (cursor.empty() || read_to.ec != std::errc() || read_to.ptr != end) {
      return refused<std::vector<domain::LoggedEvent>>(
          ErrorKind::invalid_parameter,
          "This is not a cursor of the event log; begin with 0, or with the cursor of an event "
          "that "
          "was read.");
    }
    return events_.read(tenant, after, limit);
  }

  Task<Result<size_t>> trim_events(Time time, size_t limit) override {
    return due_.trim_events(time, limit);
  }

 private:
  RedisEngine::Impl& engine_;
  const std::unique_ptr<Client> client_;
  Servers servers_;
  Presence presence_;
  Index index_;
  EventLog events_;
  Background background_;
  Commits commits_;
  Lists lists_;
  DueScan due_;
};

// Looks at the servers on a loop of its own, and waits for that.
Result<void> look(const ClientFactory& make_client, Log& log) {
  net::Loop loop;
  const std::unique_ptr<Client> client = make_client(loop);
  Task<Result<void>> task = check_servers(*client, log);
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
                                                       Log& log) {
  if (const auto fine = look(make_client, log); !fine) return std::unexpected(fine.error());
  return std::unique_ptr<RedisEngine>(
      new RedisEngine(std::make_unique<Impl>(options, std::move(make_client), entropy, log)));
}

RedisEngine::RedisEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RedisEngine::~RedisEngine() = default;

std::unique_ptr<store::SessionStore> RedisEngine::store_for(net::Loop& home) {
  return std::make_unique<RedisStore>(*impl_, home);
}

bool RedisEngine::healthy() const { return !impl_->closed && impl_->health.good(); }

void RedisEngine::close() { impl_->closed = true; }

}  // namespace sojourn::redis
