// One loop's access to one Redis server, or to a cluster of them.
//
// All commands of a loop to one node share one connection: they are written in batches and answered
// in order. (Those that ask for replicas share a second one, because WAIT holds up its connection.)
// What a cluster says along the way is dealt with here: MOVED, ASK, TRYAGAIN, CLUSTERDOWN, LOADING,
// READONLY, failover, and servers that come back. A command gets its answer or its Failure within
// RedisOptions::command_timeout, give or take a tenth of a second.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/entropy.h"
#include "base/error.h"
#include "base/log.h"
#include "base/task.h"
#include "net/loop.h"
#include "redis/client_counters.h"
#include "redis/command.h"
#include "redis/redis_options.h"
#include "redis/trouble.h"

namespace sojourn::redis {

// What all loops' clients share: the options, checked, and the TLS context. Any thread.
class Access;

// Connects to nobody. Failures are invalid_parameter with one sentence that says what to do: an
// URL that is none, a file that cannot be read. No sentence holds the password.
Result<std::shared_ptr<const Access>> make_access(const RedisOptions& options);

// All calls come from the loop's thread, and every Task is resumed on it. A Task that waits may be
// destroyed; its command goes on.
class Client {
 public:
  virtual ~Client() = default;

  // Sends a command to the node that serves its slot.
  virtual Task<Outcome> send(Command command) = 0;

  // Sends a command without keys to every master: the outcomes in the order of the addresses. A
  // Failure of the whole when it cannot be told which masters there are.
  virtual Task<std::expected<std::vector<NodeOutcome>, Failure>> send_to_all_masters(
      Command command) = 0;

  // Fails what waits, closes the connections, and refuses whatever comes later.
  virtual void close() = 0;

  // What was met last and is not over. Absent: nothing.
  virtual std::optional<Trouble> trouble() const { return std::nullopt; }

  // May be kept, and read on any thread.
  virtual std::shared_ptr<const ClientCounters> counters() const = 0;
};

// Makes a client. It connects when it first has something to send. Destroy it on the loop's thread
// after close(), or after the loop has stopped; the loop, `log` and `entropy` must outlive it.
std::unique_ptr<Client> make_client(net::Loop& loop, std::shared_ptr<const Access> access,
                                    Entropy& entropy, Log& log);

}  // namespace sojourn::redis
