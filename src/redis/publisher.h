// Brings events into the logs of their tenants: those of many commits with one command, because the
// command costs more than an event in it (docs/internals/redis-data-format.md, "Events").
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "due_times.h"
#include "servers.h"

namespace sojourn::redis {

// An event that waits in the `out` of a shard.
struct Outgoing {
  std::string number;  // in decimal digits
  std::string value;   // as it is to stand in the log; empty: it is not kept
};

// store::kMarkKept as scripts take it.
std::string marks_kept_ms();

// Of one loop. One command for each tenant is under way at a time; what comes meanwhile goes with
// the next. So what is handed in later is never in the log earlier.
class Publisher {
 public:
  Publisher(Servers& servers, DueTimes& trimming) : servers_(servers), trimming_(trimming) {}

  // Appends events of one shard to the log of `tenant` (encoding::tenant_prefix), in their order.
  // When that fails, so does all that waits behind it: a later event of a shard in the log would
  // shut out the earlier.
  Task<Result<void>> append(size_t shard, std::string tenant, std::vector<Outgoing> events);

 private:
  // What one call of append() waits for.
  struct Request {
    size_t shard;
    std::vector<Outgoing> events;
    std::optional<Result<void>> outcome;
    std::coroutine_handle<> waiter;  // null: nobody waits any more
  };
  using RequestPtr = std::shared_ptr<Request>;
  struct Outcome;

  // The events of one tenant.
  struct Queue {
    Queue(Publisher& of, std::string name) : owner(of), tenant(std::move(name)) {}

    Publisher& owner;
    const std::string tenant;
    std::deque<RequestPtr> waiting;
    std::optional<Task<void>> work;
  };

  Task<void> work_off(Queue& queue);
  Task<Result<void>> run(const std::string& tenant, const std::vector<RequestPtr>& batch);
  static void done(void* queue);

  Servers& servers_;
  DueTimes& trimming_;
  std::map<std::string, Queue, std::less<>> queues_;  // of tenants that have something under way
};

}  // namespace sojourn::redis
