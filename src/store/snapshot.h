// All that a store keeps, at one moment: what an export walks through.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "domain/idempotency.h"
#include "domain/session.h"

namespace sojourn::store {

// Every call shows the same moment, whatever is committed meanwhile; for as long as the object
// lives, the store keeps what that moment needs. One thread. Errors are store_unavailable:
// something cannot be read, or what `visit` returned.
class Snapshot {
 public:
  virtual ~Snapshot() = default;

  // How many sessions each_session() shows.
  virtual uint64_t session_count() const = 0;

  // Of all tenants, expired or not; those of a tenant one after the other, oldest first.
  virtual Result<void> each_session(
      const std::function<Result<void>(const domain::Session&)>& visit) = 0;

  struct Key {
    domain::TenantId tenant;
    std::string key;
    domain::IdempotencyEntry entry;
  };
  virtual Result<void> each_idempotency_key(
      const std::function<Result<void>(const Key&)>& visit) = 0;
};

}  // namespace sojourn::store
