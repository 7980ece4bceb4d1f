// When each shard has something to do next, as far as this process knows.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>

#include "base/clock.h"
#include "failing_shards.h"
#include "keys.h"

namespace sojourn::redis {

// So that a shard with nothing to do is not asked over and over. A time here is never later than
// what the shard holds by this process's own commits; what others committed is found when the shard
// is looked at in turn. Any thread.
class DueTimes {
 public:
  DueTimes() {
    for (auto& time : times_) time = kUnknown;
  }

  bool is_due(size_t shard, Time now) const {
    return times_[shard].load() <= now.time_since_epoch().count();
  }
  // Something was filed.
  void filed(size_t shard, Time time) { lower(shard, time.time_since_epoch().count()); }

  // The shard is about to be looked at: what is filed from here on counts, whatever the look shows.
  void looking(size_t shard) { times_[shard] = kNever; }
  // What the look showed.
  void seen(size_t shard, std::optional<int64_t> earliest) {
    lower(shard, earliest.value_or(kNever));
  }
  void failed(size_t shard) { times_[shard] = kUnknown; }

 private:
  static constexpr int64_t kUnknown = std::numeric_limits<int64_t>::min();
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  void lower(size_t shard, int64_t to) {
    int64_t known = times_[shard].load();
    while (to < known && !times_[shard].compare_exchange_weak(known, to)) {
    }
  }

  std::array<std::atomic<int64_t>, kShards> times_;
};

// For what would be logged at every look. Any thread.
class Seldom {
 public:
  bool now() {
    const int64_t time = std::chrono::steady_clock::now().time_since_epoch().count();
    int64_t next = next_.load();
    return time >= next && next_.compare_exchange_strong(next, time + kNanoseconds);
  }

 private:
  static constexpr int64_t kNanoseconds = std::chrono::nanoseconds(std::chrono::minutes(1)).count();

  std::atomic<int64_t> next_ = 0;
};

// What the store objects of one engine share. Any thread.
struct Shared {
  DueTimes due;
  DueTimes trimming;
  FailingShards failing;
  Seldom told_of_strange;        // an entry that this version does not understand
  Seldom told_of_repair;         // something unfinished that cannot be finished for now
  std::atomic<size_t> turn = 0;  // which shard is next to be looked at in any case
};

}  // namespace sojourn::redis
