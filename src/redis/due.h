// What is due, over all shards; and whatever somebody began and did not finish.
//
// A process asks only the shards that have something due as far as it knows, and in each call a few
// more in turn: so it finds what other processes filed. On the way it finishes what their crashes
// left: index entries whose mark nobody settled, commits with an idempotency key, events that wait
// to be published.
//
// Each shard stands alone: one that does not answer is left alone for a while (failing_shards.h),
// and an entry that nobody understands is passed over.
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
  // What shards answered.
  struct Found {
    std::vector<store::Due> due;
    size_t answered = 0;
    std::optional<Error> error;  // of one that did not
  };

  Task<Result<std::vector<store::Due>>> scan(size_t shard, Time now, size_t limit);
  // Asks shards at once, and adds to what was found. False when one did not answer.
  Task<bool> scan_all(std::vector<size_t> shards, Time now, size_t limit, Found& found);
  Task<Result<void>> work(std::string what, std::string mark);

  // The shards to ask: those that are due, and the next ones in turn.
  struct Asked {
    std::vector<size_t> sound;
    std::vector<size_t> failing;  // those that have rested
  };
  Asked shards_due(const DueTimes& times, Time now);
  void note(size_t shard, const Result<void>& answer);

  Servers& servers_;
  Shared& shared_;
  Commits& commits_;
  Index& index_;
  EventLog& events_;
};

}  // namespace sojourn::redis
