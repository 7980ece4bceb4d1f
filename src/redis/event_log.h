// The logs of events: one a tenant, fed from the shards (docs/internals/redis-data-format.md,
// "Events").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "background.h"
#include "domain/lifecycle.h"
#include "due_times.h"
#include "publisher.h"
#include "servers.h"
#include "store/session_store.h"

namespace sojourn::redis {

// What a commit appends to its shard's `out`, behind the number that the server gives it.
std::string outgoing(const domain::Event& event, domain::Change::Logging logging);

// Of one loop.
class EventLog {
 public:
  EventLog(Servers& servers, DueTimes& trimming, Background& background)
      : servers_(servers),
        trimming_(trimming),
        background_(background),
        publisher_(servers, trimming),
        handed_on_(kShards) {}

  // Brings an event that was just committed into its tenant's log, and then takes it out of `out`,
  // which is not waited for. `outgoing`, `number` and `previous` are what the commit's script took
  // and answered. Nothing is lost when this fails: drain() does it later.
  Task<Result<void>> publish(size_t shard, std::string outgoing, int64_t number, int64_t previous);

  // Publishes all that waits in a shard, and takes it out.
  Task<Result<void>> drain(size_t shard);

  Task<Result<domain::EventPage>> read(const store::EventQuery& query);

  // An error when no shard answered.
  Task<Result<size_t>> trim(Time time, size_t limit, std::vector<size_t> shards);
  // Finds out when shards are to be trimmed next. Returns how many answered.
  Task<size_t> look_at(std::vector<size_t> shards);

 private:
  Task<Result<void>> bring(size_t shard, std::string tenant, std::vector<Outgoing> events);
  Task<Result<Reply>> take_out(size_t shard, std::string entry);
  Task<void> acknowledge(size_t shard, std::string entry);
  Task<Result<void>> look_at_one(size_t shard);

  Servers& servers_;
  DueTimes& trimming_;
  Background& background_;
  Publisher publisher_;
  // For each shard, the number of an event that this loop has handed to the publisher, after all
  // that stood before it in `out`; 0 when there is none.
  std::vector<int64_t> handed_on_;
};

}  // namespace sojourn::redis
