// The names of things as bytes, which both stores build their keys of (docs/internals/encoding.md,
// "Keys"). Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/idempotency.h"
#include "domain/session.h"

namespace sojourn::encoding {

constexpr domain::IdentityAttribute kAttributes[] = {
    domain::IdentityAttribute::agent_id, domain::IdentityAttribute::customer_id,
    domain::IdentityAttribute::visit_id, domain::IdentityAttribute::global_visit_id};

// What stands for an attribute in keys: 1 to 4. Stored: never give a number another meaning.
uint8_t number_of(domain::IdentityAttribute attribute);
std::optional<domain::IdentityAttribute> attribute_of(uint8_t number);

// The name on the wire and in options: "customerId".
std::string_view name_of(domain::IdentityAttribute attribute);

// The key of a session: tenant and id. Made without an allocation: every read makes one.
class SessionKeyBytes {
 public:
  SessionKeyBytes(const domain::TenantId& tenant, const domain::SessionId& id);

  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 1 + domain::TenantId::kMaxBytes + domain::SessionId::kBytes> bytes_;
  size_t size_;
};

// The beginning of all keys of a tenant: its length as one byte, and its bytes.
std::string tenant_prefix(const domain::TenantId& tenant);

// The beginning of the index keys of one value; an id follows. The length of `value` is within
// its limit of domain/, and not 0.
std::string index_prefix(const domain::TenantId& tenant, domain::IdentityAttribute attribute,
                         std::string_view value);
std::string index_key(const domain::TenantId& tenant, domain::IdentityAttribute attribute,
                      std::string_view value, const domain::SessionId& id);

std::string idempotency_key(const domain::TenantId& tenant, std::string_view key);

// Takes the tenant off the front of `key`.
std::optional<domain::TenantId> take_tenant(std::string_view& key);

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

struct IdempotencyKey {
  domain::TenantId tenant;
  std::string_view key;
};
std::optional<IdempotencyKey> parsed_idempotency_key(std::string_view key);

}  // namespace sojourn::encoding
