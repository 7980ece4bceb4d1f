// What is due, over all shards; and whatever somebody began and did not finish.
//
// A process asks only the shards that have something due as far as it knows, and in each call a few
// more in turn: so it finds what other processes filed. On the way it finishes what their crashes
// left: index entries whose mark nobody settled, commits with an idempotency key, events that wait
// to be published.
#pragma once

#include <vector>

#include "commits.h"
#include "due_times.h"
#include "event_log.h"
#include "index.h"
#include "servers.h"
#include "store/session_store.h"

namespace sojourn::redis {

class DueScan {
 public:
  DueScan(Servers& servers, Shared& shared, Commits& commits, Index& index, EventLog& events)
      : servers_(servers), shared_(shared), commits_(commits), index_(index), events_(events) {}

  Task<Result<std::vector<store::Due>>> due(Time now, size_t limit);
  Task<Result<size_t>> trim_events(Time time, size_t limit);

 private:
  Task<Result<std::vector<store::Due>>> scan(size_t shard, Time now, size_t limit);
  Task<Result<void>> work(std::string what, std::string mark);

  // The shards to ask: those that are due, and the next ones in turn.
  std::vector<size_t> shards_due(const DueTimes& times, Time now);

  Servers& servers_;
  Shared& shared_;
  Commits& commits_;
  Index& index_;
  EventLog& events_;
};

}  // namespace sojourn::redis
