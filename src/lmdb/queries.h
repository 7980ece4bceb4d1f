// What can be asked of the tables inside one transaction, which is one moment of the data.
#pragma once

#include <lmdb.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/session_store.h"
#include "store/statistics.h"
#include "tables.h"

namespace sojourn::lmdb {

// Why an answer cannot be given.
struct ReadFault {
  int error = 0;            // liblmdb's; 0: something stored is damaged
  std::string_view table;   // where
  std::string masked_id{};  // of the session, where there is one

  bool damage() const { return error == 0; }
};

template <class T>
using Read = std::expected<T, ReadFault>;

// An entry of `sessions`; nothing when it is damaged.
struct StoredSession {
  domain::Session session;
  Time filed;  // in the key of its expiry entry
};
std::optional<StoredSession> stored_session(std::string_view key, std::string_view value);

class Queries {
 public:
  Queries(MDB_txn* view, const Tables& tables) : view_(view), tables_(tables) {}

  Read<std::optional<domain::Session>> session(const domain::TenantId& tenant,
                                               const domain::SessionId& id);

  // The attribute of `query` is indexed.
  Read<store::SessionPage> page(const store::Query& query);

  Read<domain::Counts> counts(const domain::TenantId& tenant);

  // The first `limit` tenants in the order of their keys one by one, the rest as a sum.
  Read<store::TenantCounts> counts_by_tenant(size_t limit);

  Read<std::vector<store::Due>> due(Time now, size_t limit);

  Read<std::optional<domain::IdempotencyEntry>> idempotency_entry(const domain::TenantId& tenant,
                                                                  const std::string& key);

  // Those whose sequence number is greater than `sequence`.
  Read<std::vector<domain::LoggedEvent>> events_after(const domain::TenantId& tenant,
                                                      uint64_t sequence, size_t limit);

  // The keys of the events to be trimmed: of each tenant its oldest, up to the first that is not
  // before `time`. Looks at one event of each tenant, and at those it returns. A damaged one, whose
  // time nobody knows, goes with the first sound one after it.
  Read<std::vector<std::string>> events_before(Time time, size_t limit);

 private:
  Read<store::SessionPage> page_of_tenant(const store::Query& query);
  Read<store::SessionPage> page_of_value(const store::Query& query);

  MDB_txn* view_;
  const Tables& tables_;
};

}  // namespace sojourn::lmdb
