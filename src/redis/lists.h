// Lists of sessions, and their number.
#pragma once

#include <string>
#include <vector>

#include "index.h"
#include "presence.h"
#include "servers.h"
#include "store/session_store.h"

namespace sojourn::redis {

class Lists {
 public:
  Lists(Servers& servers, Presence& presence, Index& index)
      : servers_(servers), presence_(presence), index_(index) {}

  Task<Result<store::SessionPage>> find(const store::Query& query);
  Task<Result<domain::Counts>> count(const domain::TenantId& tenant);

 private:
  Task<Result<store::SessionPage>> find_by_value(const store::Query& query);
  Task<Result<store::SessionPage>> find_all(const store::Query& query);
  Task<Result<Reply>> newest_of(size_t shard, std::string tenant, std::string bound, size_t count);
  Task<Result<Reply>> count_of(size_t shard, std::string tenant);

  Servers& servers_;
  Presence& presence_;
  Index& index_;
};

}  // namespace sojourn::redis
