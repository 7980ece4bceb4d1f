#include "presence.h"

#include <xxhash.h>

#include <span>

#include "keys.h"

namespace sojourn::redis {
namespace {

constexpr size_t kRemembered = 1 << 15;
// scripts/presence.lua keeps a shard known for twice as long beyond what it was told.
constexpr Duration kAhead = std::chrono::seconds(30);

}  // namespace

Presence::Presence(Servers& servers, Entropy& entropy) : servers_(servers), told_(kRemembered) {
  entropy.fill(std::as_writable_bytes(std::span(&seed_, 1)));
}

// A tenant's shards have places in a row, so they never take each other's.
size_t Presence::place_of(std::string_view tenant, size_t shard) const {
  return (XXH3_64bits_withSeed(tenant.data(), tenant.size(), seed_) + shard) % kRemembered;
}

bool Presence::must_tell(std::string_view tenant, size_t shard, Time until) const {
  const Told& told = told_[place_of(tenant, shard)];
  return told.tenant != tenant || told.shard != shard || told.until < until;
}

Task<Result<Reply>> Presence::tell(std::string_view tenant, size_t shard, Time until) {
  const size_t home = shard_of(tenant);
  auto reply = co_await servers_.run(
      servers_.scripts().presence, home, words(key_in(home, "shards", tenant)),
      words(std::to_string(shard), std::to_string(until.time_since_epoch().count())));
  if (reply) told_[place_of(tenant, shard)] = {std::string(tenant), shard, until + kAhead};
  co_return reply;
}

Task<Result<std::vector<size_t>>> Presence::shards_of(std::string tenant) {
  const size_t home = shard_of(tenant);
  const auto reply =
      co_await servers_.call(Effect::read, home, words("GET", key_in(home, "shards", tenant)));
  if (!reply) co_return std::unexpected(reply.error());
  std::vector<size_t> shards;
  for (size_t shard = 0; shard < kShards && shard / 8 < reply->text.size(); ++shard) {
    const auto byte = static_cast<uint8_t>(reply->text[shard / 8]);
    if ((byte >> (7 - shard % 8) & 1) != 0) shards.push_back(shard);  // as SETBIT counts
  }
  co_return shards;
}

}  // namespace sojourn::redis
