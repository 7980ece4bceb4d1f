// Shards that did not answer lately: a server is down and nobody has taken its place, or a slot was
// left half open. Whoever goes through all shards leaves them alone for a while, so that they hold
// up none of the others.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#include "keys.h"

namespace sojourn::redis {

// Any thread.
class FailingShards {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  FailingShards() {
    for (auto& time : again_) time = kAnswers;
  }

  // True when none failed before.
  bool failed(size_t shard, Moment now) {
    const Moment again = now + kRest;
    const bool is_new = again_[shard].exchange(again.time_since_epoch().count()) == kAnswers;
    return is_new && count_.fetch_add(1) == 0;
  }
  // True when none fails any longer.
  bool answered(size_t shard) {
    if (again_[shard].load() == kAnswers || again_[shard].exchange(kAnswers) == kAnswers) {
      return false;
    }
    return count_.fetch_sub(1) == 1;
  }

  bool has(size_t shard) const { return again_[shard].load() != kAnswers; }
  // Not to be asked yet.
  bool rests(size_t shard, Moment now) const {
    return again_[shard].load() > now.time_since_epoch().count();
  }
  size_t count() const { return count_.load(); }

 private:
  static constexpr std::chrono::seconds kRest{5};
  static constexpr int64_t kAnswers = std::numeric_limits<int64_t>::min();

  std::array<std::atomic<int64_t>, kShards> again_;  // when to ask each again, steady
  std::atomic<size_t> count_ = 0;
};

}  // namespace sojourn::redis
