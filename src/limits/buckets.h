// Token buckets by key, for all threads.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "limits/gcra.h"

namespace sojourn::limits {

// Bounded: when there is no room for another key, those whose bucket is full again are forgotten,
// which changes nothing; if there are none, the one that is nearest to full. A key that is
// forgotten has a full bucket: so a flood of keys may grant too much, and never refuses wrongly.
// Any thread.
class Buckets {
 public:
  static constexpr size_t kShards = 16;

  explicit Buckets(size_t most = 65'536) : most_in_shard_(most / kShards) {}
  Buckets(const Buckets&) = delete;
  Buckets& operator=(const Buckets&) = delete;

  // As take() of gcra.h, from the bucket of `key`.
  std::optional<Duration> take(std::string_view key, const Rate& rate, Time now);

  size_t size() const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Bucket, Hash, std::equal_to<>> buckets;
  };

  static void make_room(Shard& shard, Time now);

  const size_t most_in_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace sojourn::limits
