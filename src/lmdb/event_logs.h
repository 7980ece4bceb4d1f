// The logs of the tenants inside one transaction: what a log's numbers and its mark are
// (docs/internals/data-format.md, "Tables", events and logs), and what a write does to them.
#pragma once

#include <lmdb.h>

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "tables.h"

namespace sojourn::lmdb {

// The first number that an event of that moment may get: microseconds, and never 0.
uint64_t event_number_of(Time time);

// Smaller ones are of format 1: they counted events, and say no time.
inline constexpr uint64_t kLeastNumberOfTime = 1'000'000'000'000;

// What stands under a tenant in `logs`. Nothing: it is damaged.
std::optional<uint64_t> decoded_mark(std::string_view tenant, std::string_view value);

// The mark of a log: the number of the last event that was removed from it; 0: none was. Nothing:
// it is damaged. `tenant` is encoding::tenant_prefix(). Errors are liblmdb's, here and below.
std::expected<std::optional<uint64_t>, int> mark_of(MDB_txn* transaction, const Tables& tables,
                                                    std::string_view tenant);

// The number of the last event up to `number` that the table has; 0: there is none. Passes over
// what is no event's key.
std::expected<uint64_t, int> last_event_up_to(MDB_txn* transaction, const Tables& tables,
                                              std::string_view tenant, uint64_t number);

int put_mark(MDB_txn* transaction, const Tables& tables, std::string_view tenant, uint64_t mark);

// What is to be removed, as a look at the tables found it.
struct Trimming {
  std::vector<std::string> events;  // keys
  // Logs without events whose marks are old enough to be forgotten: tenant and mark.
  std::vector<std::pair<std::string, uint64_t>> marks;

  bool empty() const { return events.empty() && marks.empty(); }
};

// The writes to logs of one write transaction, in their order. After an error the transaction must
// be undone.
class EventLogs {
 public:
  EventLogs(MDB_txn* transaction, const Tables& tables, Time now);

  // Appends an event (encoding::encoded_event).
  int append(const std::string& tenant, std::string_view body);

  // An event that is not kept: it takes its number, and is removed with all before it.
  int drop(const std::string& tenant);

  // How many events were removed. What someone else removed since is passed over.
  std::expected<size_t, int> trim(const Trimming& trimming);

  // Before the transaction is committed: writes the marks that changed.
  int finish();

  // For whoever trims, once the transaction is committed: the time of the earliest event that was
  // appended; and whether events were cut off that are still in the table.
  std::optional<Time> earliest() const { return earliest_; }

  // A mark was damaged, and is replaced.
  bool mark_was_damaged() const { return mark_was_damaged_; }

 private:
  struct Log {
    uint64_t last = 0;  // the last number that was given
    uint64_t mark = 0;
    bool changed = false;
  };
  std::expected<Log*, int> log_of(const std::string& tenant);
  uint64_t next_number(Log& log) const;
  void is_to_be_trimmed(Time time);

  MDB_txn* const transaction_;
  const Tables& tables_;
  const uint64_t now_;               // as a number
  std::map<std::string, Log> logs_;  // those that were looked at
  std::optional<Time> earliest_;
  bool mark_was_damaged_ = false;
};

}  // namespace sojourn::lmdb
