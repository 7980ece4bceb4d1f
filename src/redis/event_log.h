// The logs of events: one a tenant, fed from the shards (docs/internals/redis-data-format.md,
// "Events").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/event.h"
#include "due_times.h"
#include "servers.h"

namespace sojourn::redis {

// What a commit appends to its shard's `out`, behind the number that the server gives it.
std::string outgoing(const domain::Event& event);

class EventLog {
 public:
  EventLog(Servers& servers, DueTimes& trimming) : servers_(servers), trimming_(trimming) {}

  // Brings an event that was just committed into its tenant's log. `number` and `length` are what
  // the commit's script answered: when it is not alone in `out`, those before it go first. Nothing
  // is lost when this fails: drain() does it later. Done: `number` is to be acknowledged.
  Task<Result<void>> publish(size_t shard, std::string event, int64_t number, int64_t length);
  Task<void> acknowledge(size_t shard, int64_t number);

  // Publishes and acknowledges all that waits in a shard.
  Task<Result<void>> drain(size_t shard);

  Task<Result<std::vector<domain::LoggedEvent>>> read(domain::TenantId tenant, uint64_t after,
                                                      size_t limit);

  Task<Result<size_t>> trim(Time time, size_t limit, std::vector<size_t> shards);
  // Finds out when shards are to be trimmed next.
  Task<Result<void>> look_at(std::vector<size_t> shards);

 private:
  struct Outgoing {
    std::string number;
    std::string value;
  };
  Task<Result<void>> append(size_t shard, std::string tenant, std::vector<Outgoing> events);
  Task<Result<void>> look_at_one(size_t shard);

  Servers& servers_;
  DueTimes& trimming_;
};

}  // namespace sojourn::redis
