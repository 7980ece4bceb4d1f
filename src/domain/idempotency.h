// How a create that is sent twice makes one session.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "domain/session_id.h"
#include "domain/tenant_id.h"

namespace sojourn::domain {

// The value of the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): 1 to 128
// visible ASCII characters, unique within its tenant.
inline constexpr size_t kMaxIdempotencyKeyBytes = 128;

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
  std::string key;
  std::optional<IdempotencyEntry> before;
  std::optional<IdempotencyEntry> after;

  friend bool operator==(const IdempotencyChange&, const IdempotencyChange&) = default;
};

}  // namespace sojourn::domain
