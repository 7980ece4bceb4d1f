// The tables of a data directory and their keys (docs/internals/data-format.md, "Tables").
#pragma once

#include <lmdb.h>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "domain/session.h"
#include "encoding/keys.h"

namespace sojourn::lmdb {

// For reading.
enum class Table : uint8_t { sessions, index, expiry, counts, events, idempotency, meta, logs };

// For writing: LMDB's handles, the same in every transaction of an environment.
struct Tables {
  MDB_dbi sessions;
  MDB_dbi index;
  MDB_dbi expiry;
  MDB_dbi counts;
  MDB_dbi events;
  std::optional<MDB_dbi> logs;  // absent: the directory is of format 1, and only read
  MDB_dbi idempotency;
  MDB_dbi meta;
};

// Those of every format, in the order of Table; `logs` comes after them.
struct TableName {
  const char* name;
  MDB_dbi Tables::* handle;
};
inline constexpr TableName kTables[] = {
    {"sessions", &Tables::sessions}, {"index", &Tables::index},
    {"expiry", &Tables::expiry},     {"counts", &Tables::counts},
    {"events", &Tables::events},     {"idempotency", &Tables::idempotency},
    {"meta", &Tables::meta}};
inline constexpr const char* kLogsName = "logs";
inline constexpr size_t kTableCount = std::size(kTables) + 1;
static_assert(kTableCount == static_cast<size_t>(Table::logs) + 1);

constexpr std::string_view name_of(Table table) {
  return table == Table::logs ? kLogsName : kTables[static_cast<size_t>(table)].name;
}

constexpr uint32_t kFormatVersion = 2;

// How much of the map a change may use (docs/internals/data-format.md, "Room").
enum class Room {
  none,  // it needs no more than it frees
  end,   // it frees a session and writes an event
  more,  // it needs more than it frees
};

// Which table a key in `expiry` is about. Stored.
enum class FiledKind : uint8_t { session = 1, idempotency = 2 };
std::string expiry_key(Time filed, FiledKind kind, std::string_view filed_key);

std::string event_key(std::string_view tenant_prefix, uint64_t number);
// Behind the key of every event of the tenant, and before those of all later tenants.
std::string after_all_events(std::string_view tenant_prefix);

// Names in `meta`.
constexpr std::string_view kFormat = "format";
constexpr std::string_view kNextEvent = "next-event";  // in format 1 only
std::string index_state_name(domain::IdentityAttribute attribute);

// Keys read back. Nothing: not such a key. Views point into `key`.
struct ExpiryKey {
  Time filed;
  FiledKind kind;
  std::string_view filed_key;
};
std::optional<ExpiryKey> parsed_expiry_key(std::string_view key);

struct EventKey {
  domain::TenantId tenant;
  uint64_t number;
};
std::optional<EventKey> parsed_event_key(std::string_view key);

// The value in `counts`.
std::string encoded(const domain::Counts& counts);
std::optional<domain::Counts> decoded_counts(std::string_view value);

// The one of the two that counts a session of that identity.
inline uint64_t& counter_of(domain::Counts& counts, const domain::Identity& identity) {
  return identity.anonymous() ? counts.anonymous : counts.named;
}

inline MDB_val as_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};  // liblmdb only reads it
}
inline std::string_view as_view(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

}  // namespace sojourn::lmdb
