// The tables of a data directory and their keys (docs/internals/data-format.md, "Tables").
#pragma once

#include <lmdb.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/session.h"

namespace sojourn::lmdb {

// Handles; the same in every transaction of an environment.
struct Tables {
  MDB_dbi sessions;
  MDB_dbi index;
  MDB_dbi expiry;
  MDB_dbi counts;
  MDB_dbi meta;
};

constexpr uint32_t kFormatVersion = 1;

// Stored: never give a number another meaning.
enum class Attribute : uint8_t {
  agent_id = 1,
  customer_id = 2,
  visit_id = 3,
  global_visit_id = 4,
};

// The attributes that have index entries.
constexpr Attribute kIndexed[] = {Attribute::agent_id, Attribute::customer_id};

const std::string& value_of(const domain::Identity& identity, Attribute attribute);

// A key of `sessions`, made without an allocation: every read makes one.
class SessionKeyBytes {
 public:
  SessionKeyBytes(const domain::TenantId& tenant, const domain::SessionId& id);

  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 1 + domain::TenantId::kMaxBytes + domain::SessionId::kBytes> bytes_;
  size_t size_;
};

// The other keys. The length of `value` is within its limit of domain/, and not 0.
std::string index_key(const domain::TenantId& tenant, Attribute attribute, std::string_view value,
                      const domain::SessionId& id);
// `session_key` is the session's key in `sessions`.
std::string expiry_key(Time filed, std::string_view session_key);
std::string counts_key(const domain::TenantId& tenant);

// Keys read back. Nothing: not such a key. Views point into `key`.
struct SessionKey {
  domain::TenantId tenant;
  domain::SessionId id;
};
std::optional<SessionKey> parsed_session_key(std::string_view key);

struct IndexKey {
  SessionKey session;
  Attribute attribute;
  std::string_view value;
};
std::optional<IndexKey> parsed_index_key(std::string_view key);

struct ExpiryKey {
  Time filed;
  std::string_view session_key;
};
std::optional<ExpiryKey> parsed_expiry_key(std::string_view key);

// The value in `counts`.
struct Counts {
  uint64_t named = 0;
  uint64_t anonymous = 0;

  uint64_t& of(const domain::Identity& identity) {
    return identity.anonymous() ? anonymous : named;
  }
  friend bool operator==(const Counts&, const Counts&) = default;
};
std::string encoded(const Counts& counts);
std::optional<Counts> decoded_counts(std::string_view value);

inline MDB_val as_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};  // liblmdb only reads it
}
inline std::string_view as_view(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

}  // namespace sojourn::lmdb
