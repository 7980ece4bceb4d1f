#include "keys.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>

#include "redis/slot.h"

namespace sojourn::redis {

size_t shard_of(std::string_view name) { return XXH3_64bits(name.data(), name.size()) % kShards; }

uint16_t slot_of_shard(size_t shard) {
  static const auto all = [] {
    std::array<uint16_t, kShards> slots{};
    for (size_t i = 0; i < kShards; ++i) slots[i] = slot_of(key_in(i, ""));
    return slots;
  }();
  return all[shard];
}

std::string key_in(size_t shard, std::string_view kind, std::string_view rest) {
  std::string key = fmt::format("{{s{:04}}}:{}", shard, kind);
  if (!rest.empty()) key.append(":").append(rest);
  return key;
}

}  // namespace sojourn::redis
