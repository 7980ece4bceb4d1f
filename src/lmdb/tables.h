// The tables of a data directory and their keys (docs/internals/data-format.md, "Tables").
#pragma once

#include <lmdb.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/idempotency.h"
#include "domain/session.h"

namespace sojourn::lmdb {

// Handles; the same in every transaction of an environment.
struct Tables {
  MDB_dbi sessions;
  MDB_dbi index;
  MDB_dbi expiry;
  MDB_dbi counts;
  MDB_dbi events;
  MDB_dbi idempotency;
  MDB_dbi meta;
};

constexpr uint32_t kFormatVersion = 1;

// How much of the map a change may use (docs/internals/data-format.md, "Room").
enum class Room {
  none,  // it needs no more than it frees
  end,   // it frees a session and writes an event
  more,  // it needs more than it frees
};

constexpr domain::IdentityAttribute kAttributes[] = {
    domain::IdentityAttribute::agent_id, domain::IdentityAttribute::customer_id,
    domain::IdentityAttribute::visit_id, domain::IdentityAttribute::global_visit_id};

// What stands for an attribute in keys: 1 to 4. Stored: never give a number another meaning.
uint8_t number_of(domain::IdentityAttribute attribute);
std::optional<domain::IdentityAttribute> attribute_of(uint8_t number);

// The name on the wire and in options: "customerId".
std::string_view name_of(domain::IdentityAttribute attribute);

// A key of `sessions`, made without an allocation: every read makes one.
class SessionKeyBytes {
 public:
  SessionKeyBytes(const domain::TenantId& tenant, const domain::SessionId& id);

  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 1 + domain::TenantId::kMaxBytes + domain::SessionId::kBytes> bytes_;
  size_t size_;
};

// The beginning of all keys of a tenant; the key in `counts`.
std::string tenant_prefix(const domain::TenantId& tenant);

// The beginning of the keys in `index` of one value; an id follows. The length of `value` is within
// its limit of domain/, and not 0.
std::string index_prefix(const domain::TenantId& tenant, domain::IdentityAttribute attribute,
                         std::string_view value);
std::string index_key(const domain::TenantId& tenant, domain::IdentityAttribute attribute,
                      std::string_view value, const domain::SessionId& id);

// Which table a key in `expiry` is about. Stored.
enum class FiledKind : uint8_t { session = 1, idempotency = 2 };
std::string expiry_key(Time filed, FiledKind kind, std::string_view filed_key);

std::string event_key(std::string_view tenant_prefix, uint64_t sequence);
std::string idempotency_key(const domain::TenantId& tenant, std::string_view key);

// Names in `meta`.
constexpr std::string_view kNextEvent = "next-event";
std::string index_state_name(domain::IdentityAttribute attribute);

// Keys read back. Nothing: not such a key. Views point into `key`.
struct SessionKey {
  domain::TenantId tenant;
  domain::SessionId id;
};
std::optional<SessionKey> parsed_session_key(std::string_view key);

struct IndexKey {
  SessionKey session;
  domain::IdentityAttribute attribute;
  std::string_view value;
};
std::optional<IndexKey> parsed_index_key(std::string_view key);

struct ExpiryKey {
  Time filed;
  FiledKind kind;
  std::string_view filed_key;
};
std::optional<ExpiryKey> parsed_expiry_key(std::string_view key);

struct EventKey {
  domain::TenantId tenant;
  uint64_t sequence;
};
std::optional<EventKey> parsed_event_key(std::string_view key);

struct IdempotencyKey {
  domain::TenantId tenant;
  std::string_view key;
};
std::optional<IdempotencyKey> parsed_idempotency_key(std::string_view key);

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
