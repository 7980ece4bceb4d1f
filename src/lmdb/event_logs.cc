#include "event_logs.h"

#include <algorithm>

#include "encoding/bytes.h"
#include "encoding/event_record.h"
#include "encoding/sealed.h"
#include "environment.h"
#include "table_cursor.h"

namespace sojourn::lmdb {
namespace {

constexpr uint8_t kMarkVersion = 1;

}  // namespace

uint64_t event_number_of(Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(time.time_since_epoch().count(), 1)) * 1000;
}

std::optional<uint64_t> decoded_mark(std::string_view tenant, std::string_view value) {
  const auto content = encoding::unsealed(tenant, kMarkVersion, value);
  if (!content || content->size() != sizeof(uint64_t)) return std::nullopt;
  const auto mark = encoding::number_at<uint64_t>(content->data());
  if (mark == 0) return std::nullopt;
  return mark;
}

std::expected<std::optional<uint64_t>, int> mark_of(MDB_txn* transaction, const Tables& tables,
                                                    std::string_view tenant) {
  if (!tables.logs) return 0;
  const auto value = find(transaction, *tables.logs, tenant);
  if (!value) return std::unexpected(value.error());
  if (!*value) return 0;
  return decoded_mark(tenant, **value);
}

std::expected<uint64_t, int> last_event_up_to(MDB_txn* transaction, const Tables& tables,
                                              std::string_view tenant, uint64_t number) {
  TableCursor at(transaction, tables.events);
  int error = at.seek_before(number == UINT64_MAX ? after_all_events(tenant)
                                                  : event_key(tenant, number + 1));
  for (; !error && at.key().starts_with(tenant); error = at.previous()) {
    if (const auto key = parsed_event_key(at.key())) return key->number;
  }
  if (error && error != MDB_NOTFOUND) return std::unexpected(error);
  return 0;
}

int put_mark(MDB_txn* transaction, const Tables& tables, std::string_view tenant, uint64_t mark) {
  std::string value(1, '\0');
  encoding::append_number(value, mark);
  value.resize(sizeof(mark) + encoding::kSealBytes);
  encoding::seal(tenant, kMarkVersion, value.data(), sizeof(mark));
  return put(transaction, *tables.logs, tenant, value);
}

EventLogs::EventLogs(MDB_txn* transaction, const Tables& tables, Time now)
    : transaction_(transaction), tables_(tables), now_(event_number_of(now)) {}

std::expected<EventLogs::Log*, int> EventLogs::log_of(const std::string& tenant) {
  const auto known = logs_.find(tenant);
  if (known != logs_.end()) return &known->second;
  const auto mark = mark_of(transaction_, tables_, tenant);
  if (!mark) return std::unexpected(mark.error());
  const auto tail = last_event_up_to(transaction_, tables_, tenant, UINT64_MAX);
  if (!tail) return std::unexpected(tail.error());
  Log log{.last = std::max(*tail, mark->value_or(0)), .mark = mark->value_or(0)};
  if (!*mark) {
    // Nobody knows what was removed, so all that is there is.
    mark_was_damaged_ = true;
    log.mark = log.last = std::max(*tail, now_);
    log.changed = true;
  }
  return &logs_.emplace(tenant, log).first->second;
}

uint64_t EventLogs::next_number(Log& log) const { return std::max(now_, log.last + 1); }

void EventLogs::is_to_be_trimmed(Time time) {
  if (!earliest_ || time < *earliest_) earliest_ = time;
}

int EventLogs::append(const std::string& tenant, std::string_view body) {
  const auto log = log_of(tenant);
  if (!log) return log.error();
  const uint64_t number = next_number(**log);
  const std::string key_bytes = event_key(tenant, number);
  MDB_val key = as_val(key_bytes);
  MDB_val room{body.size() + encoding::kSealBytes, nullptr};
  const int error =
      mdb_put(transaction_, tables_.events, &key, &room, MDB_RESERVE | MDB_NOOVERWRITE);
  if (error == MDB_KEYEXIST) return MDB_CORRUPTED;  // a number is never given twice
  if (error) return error;
  encoding::seal_event(key_bytes, body, static_cast<char*>(room.mv_data));
  (*log)->last = number;
  is_to_be_trimmed(encoding::time_of_event(body).value_or(Time::min()));
  return 0;
}

int EventLogs::drop(const std::string& tenant) {
  const auto log = log_of(tenant);
  if (!log) return log.error();
  if ((*log)->last > (*log)->mark) is_to_be_trimmed(Time::min());  // it has events
  (*log)->last = (*log)->mark = next_number(**log);
  (*log)->changed = true;
  return 0;
}

std::expected<size_t, int> EventLogs::trim(const Trimming& trimming) {
  size_t count = 0;
  for (const std::string& key : trimming.events) {
    const int error = erase(transaction_, tables_.events, key);
    if (error == MDB_NOTFOUND) continue;
    if (error) return std::unexpected(error);
    ++count;
    const auto parsed = parsed_event_key(key);
    if (!parsed) continue;
    const auto log = log_of(encoding::tenant_prefix(parsed->tenant));
    if (!log) return std::unexpected(log.error());
    if (parsed->number > (*log)->mark) {
      (*log)->mark = parsed->number;
      (*log)->last = std::max((*log)->last, parsed->number);
      (*log)->changed = true;
    }
  }
  for (const auto& [tenant, mark] : trimming.marks) {
    const auto log = log_of(tenant);
    if (!log) return std::unexpected(log.error());
    if ((*log)->mark != mark || (*log)->last != mark || (*log)->changed) continue;  // it is in use
    const int error = erase(transaction_, *tables_.logs, tenant);
    if (error && error != MDB_NOTFOUND) return std::unexpected(error);
  }
  return count;
}

int EventLogs::finish() {
  for (const auto& [tenant, log] : logs_) {
    if (!log.changed) continue;
    if (const int error = put_mark(transaction_, tables_, tenant, log.mark)) return error;
  }
  return 0;
}

}  // namespace sojourn::lmdb
