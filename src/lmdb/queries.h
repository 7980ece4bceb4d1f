// What can be asked of the tables inside one transaction, which is one moment of the data.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/session_store.h"
#include "store/statistics.h"
#include "view.h"

namespace sojourn::lmdb {

// Why an answer cannot be given.
struct ReadFault {
  int error = 0;                    // liblmdb's; 0: something stored is damaged
  std::string_view table;           // where
  std::string masked_id{};          // of the session, where there is one
  std::optional<PageFault> page{};  // that is damaged; absent: a record is

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

// An answer "nothing there" is proved: the pages on the way are sound, and so are the entries on
// both sides of where it would be. The same of the ends of lists. Else the answer is a ReadFault.
class Queries {
 public:
  explicit Queries(const View& view) : view_(view) {}

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

  Read<domain::EventPage> events(const store::EventQuery& query);

  // What is to be trimmed: the events of each tenant up to its mark, and after it the oldest, up to
  // the first that is not before `time`; at most `limit`. Looks at one event of each tenant, and at
  // those it returns. A damaged event, whose time nobody knows, goes with the first sound one after
  // it; a damaged mark or key keeps nothing from being trimmed.
  struct Trimmable {
    std::vector<std::string> events;  // keys
    // When the oldest event happened that stays. Absent: none does, or the look ended at `limit`.
    std::optional<Time> oldest_kept;
  };
  Read<Trimmable> events_before(Time time, size_t limit);

  // Logs without events whose mark is from before `time`: tenant and mark; at most `limit`. Not
  // those whose mark is of format 1, which says no time.
  Read<std::vector<std::pair<std::string, uint64_t>>> marks_before(Time time, size_t limit);

 private:
  Read<uint64_t> mark(const std::string& tenant);
  Read<store::SessionPage> page_of_tenant(const store::Query& query);
  Read<store::SessionPage> page_of_value(const store::Query& query);

  Read<std::optional<std::string_view>> find(Table table, std::string_view key);
  std::optional<ReadFault> fault_before(Table table, PageWalk at);
  std::optional<ReadFault> fault_at(Table table, int moved, const PageWalk& at);
  bool has_no_events(std::string_view tenant);
  bool is_sound(Table table, std::string_view key, std::string_view value);

  const View& view_;
};

}  // namespace sojourn::lmdb
