// What is limited, for the whole process.
#pragma once

#include <string_view>

#include "base/error.h"
#include "limits/buckets.h"

namespace sojourn::limits {

// The buckets of all tenants and of all clients. One for all loops; any thread. It outlives a
// reload, and so does what was used.
struct Limiter {
  Buckets client_requests;
  Buckets client_creates;
  Buckets tenant_requests;
  Buckets tenant_creates;
};

// Takes a token, or says rate_limited with the time until there is one. Without a limit it takes
// nothing. `what` is what there are too many of, for people: "requests of this
// tenant".
Result<void> take(Buckets& buckets, std::string_view key, const Rate& rate, Time now,
                  std::string_view what);

}  // namespace sojourn::limits
