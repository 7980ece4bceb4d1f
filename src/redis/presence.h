// Which shards have sessions of a tenant: so that a list or a count asks only those.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/entropy.h"
#include "servers.h"

namespace sojourn::redis {

class Presence {
 public:
  Presence(Servers& servers, Entropy& entropy);

  // Whether the servers have to be told, before a session is written that lives until `until`.
  bool must_tell(std::string_view tenant, size_t shard, Time until) const;
  Task<Result<Reply>> tell(std::string_view tenant, size_t shard, Time until);

  // All shards that have sessions of the tenant, and perhaps some that have none.
  Task<Result<std::vector<size_t>>> shards_of(std::string tenant);

 private:
  // What was told lately, so that it is not told with every commit. A table of fixed size where the
  // later takes the place of the earlier. Its places are found by a hash, so others may have the
  // same: only what is written in a place says whose it is.
  struct Told {
    std::string tenant;  // empty: nothing was told here
    size_t shard = 0;
    Time until;
  };
  size_t place_of(std::string_view tenant, size_t shard) const;

  Servers& servers_;
  uint64_t seed_ = 0;
  std::vector<Told> told_;
};

}  // namespace sojourn::redis
