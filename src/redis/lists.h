// Lists of sessions, and their number.
#pragma once

#include <functional>
#include <optional>
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
  using Ids = std::vector<domain::SessionId>;
  // The newest `count` ids below one (absent: the newest of all), in order; fewer: there are no
  // more. Their sessions may be over, or not be meant.
  using NextIds =
      std::function<Task<Result<Ids>>(std::optional<domain::SessionId> below, size_t count)>;

  Task<Result<store::SessionPage>> find_by_value(const store::Query& query);
  Task<Result<store::SessionPage>> find_all(const store::Query& query);
  Task<Result<store::SessionPage>> page_of(const store::Query& query, const NextIds& next_ids);
  Task<Result<Ids>> ids_with_value(const store::Query& query,
                                   std::optional<domain::SessionId> below, size_t count);
  Task<Result<Ids>> ids_in(const std::vector<size_t>& shards, const std::string& tenant,
                           std::optional<domain::SessionId> below, size_t count);
  Task<Result<Reply>> newest_of(size_t shard, std::string tenant, std::string bound, size_t count);
  Task<Result<Reply>> count_of(size_t shard, std::string tenant);

  Servers& servers_;
  Presence& presence_;
  Index& index_;
};

}  // namespace sojourn::redis
