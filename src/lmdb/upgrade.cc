#include "upgrade.h"

#include <algorithm>
#include <string>

#include "encoding/bytes.h"
#include "encoding/keys.h"
#include "environment.h"
#include "event_logs.h"
#include "table_cursor.h"

namespace sojourn::lmdb {
namespace {

// What was removed from a log that has events is before the oldest.
int mark_logs_with_events(MDB_txn* transaction, const Tables& tables) {
  TableCursor at(transaction, tables.events);
  int error = at.first();
  while (!error) {
    const auto oldest = parsed_event_key(at.key());
    if (!oldest) {
      error = at.next();  // damage, which stays for `sojourn check` to show
      continue;
    }
    const std::string tenant = encoding::tenant_prefix(oldest->tenant);
    if (oldest->number > 1) {
      error = put_mark(transaction, tables, tenant, oldest->number - 1);
    }
    if (!error) error = at.seek(after_all_events(tenant));
  }
  return error == MDB_NOTFOUND ? 0 : error;
}

// Sessions of a tenant without events had some that were removed, or the log was off.
int mark_logs_without_events(MDB_txn* transaction, const Tables& tables, uint64_t last) {
  TableCursor at(transaction, tables.counts);
  int error = last == 0 ? MDB_NOTFOUND : at.first();
  for (; !error; error = at.next()) {
    const std::string tenant(at.key());
    const auto event = last_event_up_to(transaction, tables, tenant, UINT64_MAX);
    if (!event) return event.error();
    if (*event != 0) continue;
    if (const int put = put_mark(transaction, tables, tenant, last)) return put;
  }
  return error == MDB_NOTFOUND ? 0 : error;
}

}  // namespace

int upgrade_from_1(MDB_txn* transaction, Tables& tables) {
  MDB_dbi logs;
  if (const int error = mdb_dbi_open(transaction, kLogsName, MDB_CREATE, &logs)) return error;
  tables.logs = logs;
  const auto next = find(transaction, tables.meta, kNextEvent);
  if (!next) return next.error();
  uint64_t last = 0;
  if (*next && (*next)->size() == sizeof(last)) {
    last = std::max<uint64_t>(encoding::number_at<uint64_t>((*next)->data()), 1) - 1;
  }
  int error = mark_logs_with_events(transaction, tables);
  if (!error) error = mark_logs_without_events(transaction, tables, last);
  if (!error && *next) error = erase(transaction, tables.meta, kNextEvent);
  return error;
}

}  // namespace sojourn::lmdb
