#include "limits/buckets.h"

#include <algorithm>

namespace sojourn::limits {

std::optional<Duration> Buckets::take(std::string_view key, const Rate& rate, Time now) {
  // The map takes the hash's low bits.
  Shard& shard = shards_[(Hash()(key) >> 32) % kShards];
  const std::lock_guard lock(shard.mutex);
  auto found = shard.buckets.find(key);
  if (found == shard.buckets.end()) {
    if (shard.buckets.size() >= most_in_shard_) make_room(shard, now);
    found = shard.buckets.emplace(key, Bucket{0}).first;
  }
  return limits::take(found->second, rate, now);
}

void Buckets::make_room(Shard& shard, Time now) {
  const int64_t at = in_nanoseconds(now);
  const size_t full =
      std::erase_if(shard.buckets, [&](const auto& one) { return one.second <= at; });
  if (full > 0 || shard.buckets.empty()) return;
  shard.buckets.erase(std::ranges::min_element(
      shard.buckets, [](const auto& a, const auto& b) { return a.second < b.second; }));
}

size_t Buckets::size() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.buckets.size();
  }
  return total;
}

}  // namespace sojourn::limits
