// How many live sessions a tenant may have (Policy::max_sessions), kept exactly although many begin
// at once.
//
// What is stored is known, and what is being committed is known; but a session that is committed
// and whose request has not gone on yet is in both. So: never let one begin that could be too many,
// refuse only when what is stored is enough, and in between wait for those that are under way.
//
// Exact among the threads of one process. Several processes on one store may together exceed a
// quota by what the others have under way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "sessions/operations.h"

namespace sojourn::sessions {

// The creations under way, of all threads of the process. Any thread may call.
class CreationsUnderWay {
 public:
  // Changes whenever one of the tenant's has ended (or, rarely, one of another's): whoever reads
  // what is stored asks before.
  uint64_t ended(const domain::TenantId& tenant) const;

  enum class Begun {
    yes,      // and end() is to be called
    no_room,  // `stored` and those under way would be more than `most`
    changed,  // some ended since `ended` was read: `stored` may be too small
  };
  Begun begin(const domain::TenantId& tenant, uint64_t stored, uint64_t most, uint64_t ended);

  // When what was committed can be read, or nothing was.
  void end(const domain::TenantId& tenant);

 private:
  // By the tenant's hash, so that memory has an end whatever tenants there are.
  size_t slot_of(const domain::TenantId& tenant) const;

  mutable std::mutex mutex_;
  std::map<domain::TenantId, uint64_t> under_way_;  // only those that are not 0
  std::array<uint64_t, 1024> ended_{};
};

// A session's right to begin, until it is committed or given up.
class Place {
 public:
  Place() = default;  // of a tenant without a quota
  Place(CreationsUnderWay& creations, domain::TenantId tenant)
      : creations_(&creations), tenant_(std::move(tenant)) {}
  Place(Place&& other) noexcept
      : creations_(std::exchange(other.creations_, nullptr)), tenant_(std::move(other.tenant_)) {}
  Place& operator=(Place&&) = delete;
  ~Place() {
    if (creations_ != nullptr) creations_->end(*tenant_);
  }

 private:
  CreationsUnderWay* creations_ = nullptr;
  std::optional<domain::TenantId> tenant_;
};

// quota_exceeded when the tenant has as many live sessions as it may: never is one ended to make
// room for another. Waits while it depends on those under way; overloaded when that takes too long.
Task<Result<Place>> take_place(Context& context, const domain::TenantId& tenant,
                               const domain::Policy& policy);

}  // namespace sojourn::sessions
