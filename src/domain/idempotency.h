// How a create that is sent twice makes one session.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/session_id.h"
#include "domain/tenant_id.h"

namespace sojourn::domain {

// The value of the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): 1 to 128
// visible ASCII characters.
inline constexpr size_t kMaxIdempotencyKeyBytes = 128;
// The name of the API key of whoever uses it (access/api_key.h).
inline constexpr size_t kMaxCallerBytes = 64;
inline constexpr size_t kMaxFiledKeyBytes = kMaxCallerBytes + 1 + kMaxIdempotencyKeyBytes;

// Under which name, within the tenant, the key is stored: keys of two callers never meet. `caller`:
// empty when no API key was shown; the name is the key itself then. Neither holds a space, so no
// two pairs have one name.
std::string filed_key(std::string_view caller, std::string_view key);
// Whether filed_key() could have made `text`.
bool is_filed_key(std::string_view text);

// How long a key is kept at least. It is kept as long as its session is live, if that is longer.
inline constexpr Duration kIdempotencyKeyLife = std::chrono::hours(24);

// What a key was used for.
struct IdempotencyEntry {
  std::array<uint8_t, 16> fingerprint;  // of the request: same key and other request is refused
  SessionId session;
  Time keep_until;  // the reaper looks at it then

  friend bool operator==(const IdempotencyEntry&, const IdempotencyEntry&) = default;
};

// Part of a Change: committed only if the stored entry equals `before` (absent: none is stored).
struct IdempotencyChange {
  TenantId tenant;
  std::string key;  // a filed_key()
  std::optional<IdempotencyEntry> before;
  std::optional<IdempotencyEntry> after;

  friend bool operator==(const IdempotencyChange&, const IdempotencyChange&) = default;
};

}  // namespace sojourn::domain
