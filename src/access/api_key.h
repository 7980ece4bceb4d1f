// An API key: the secret text that a caller shows, and the entry that the server has of it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "access/key_hasher.h"
#include "access/scope.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "domain/tenant_id.h"

namespace sojourn::access {

// Every key begins so: programs that look for secrets in source code and logs find it by this.
inline constexpr std::string_view kKeyPrefix = "sjk_";
// The prefix, then 256 bits in base64url without padding (RFC 4648 5).
inline constexpr size_t kKeyLength = kKeyPrefix.size() + 43;

// A new key. The only copy: whoever makes it shows it once.
std::string make_key(Entropy& entropy);

// What the key file says of one key. A value.
struct ApiKey {
  std::string name;  // see is_key_name
  Digest sha256{};
  std::optional<std::set<domain::TenantId>> tenants;  // absent: all
  Scopes scopes;
  std::optional<Time> expires;  // refused from this moment on; absent: never

  bool is_for(const domain::TenantId& tenant) const {
    return !tenants || tenants->contains(tenant);
  }
  bool is_over(Time now) const { return expires && *expires <= now; }

  friend bool operator==(const ApiKey&, const ApiKey&) = default;
};

inline constexpr size_t kMaxKeyNameBytes = 64;

// 1 to 64 of A-Z a-z 0-9 _ and -, which TOML takes without quotes and a log as they are. Not one
// that begins as a key does: it would be the key itself, put in the wrong place.
bool is_key_name(std::string_view name);

}  // namespace sojourn::access
