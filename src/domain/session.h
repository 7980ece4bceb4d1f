// A session: the value everything here is about.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "domain/identity.h"
#include "domain/session_id.h"
#include "domain/tenant_id.h"

namespace sojourn::domain {

struct Session {
  SessionId id;
  TenantId tenant;
  Identity identity;
  Time created_at;
  Time last_accessed_at;   // the last counted access, see lifecycle.h
  Time expires_at;         // gone from this instant on, whether or not it was removed
  uint64_t version = 1;    // 1 at creation, +1 with every change of identity or attributes
  std::string attributes;  // a JSON object as text, the caller's own data; empty means {}

  friend bool operator==(const Session&, const Session&) = default;
};

// How many sessions, by what is known of them (Identity::anonymous).
struct Counts {
  uint64_t named = 0;
  uint64_t anonymous = 0;

  friend bool operator==(const Counts&, const Counts&) = default;
};

}  // namespace sojourn::domain
