// The cluster store: sessions in one Redis, or in a Redis or Valkey Cluster, for any number of
// processes.
//
// Sessions are spread over 1,024 shards; what belongs to one shard changes atomically, by a Lua
// script. What must be known elsewhere (the index, the tenant's log of events, an idempotency key)
// changes in steps of which each can be finished by anyone. docs/internals/redis-data-format.md
// says how, and why that is enough.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/entropy.h"
#include "base/error.h"
#include "base/log.h"
#include "redis/client.h"
#include "redis/redis_options.h"
#include "store/engine.h"

namespace sojourn::redis {

struct RedisStoreOptions {
  RedisOptions servers;  // options store.redis.*

  // Option sessions.index: the attributes that sessions can be found by. Each costs every creation
  // a step before and one after it. It must be the same in all processes; the opening makes what is
  // stored fit it, when it was another before.
  std::vector<domain::IdentityAttribute> indexed = {domain::IdentityAttribute::customer_id,
                                                    domain::IdentityAttribute::agent_id};
};

// Makes one loop's access to the servers.
using ClientFactory = std::function<std::unique_ptr<Client>(net::Loop& loop)>;

// Any thread may call.
class RedisEngine final : public store::Engine {
 public:
  // Looks at the servers: whether they can be reached, may not evict sessions, keep what they are
  // told, and hold data of a format that this version knows; publishes what processes left behind
  // that died; and makes the index fit. Servers that cannot be reached yet are waited for, until
  // RedisOptions::start_timeout is over or `stop` says so (asked now and then, on another thread).
  // Every failure is store_unavailable with one sentence that says what to do. `entropy` and `log`
  // must outlive the engine.
  static Result<std::unique_ptr<RedisEngine>> open(
      const RedisStoreOptions& options, ClientFactory make_client, Entropy& entropy, Log& log,
      const std::function<bool()>& stop = [] { return false; });

  ~RedisEngine() override;

  std::unique_ptr<store::SessionStore> store_for(net::Loop& home) override;

  store::Statistics statistics() const override;

  // False after some calls in a row have failed, until one succeeds.
  std::optional<store::Trouble> trouble() const override;

  // Later commits are store_unavailable. Nothing waits here: whatever was taken in is with the
  // servers.
  void close() override;

  struct Impl;

 private:
  explicit RedisEngine(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace sojourn::redis
