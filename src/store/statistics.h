// What a store tells operators of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/counter.h"
#include "domain/session.h"
#include "domain/tenant_id.h"

namespace sojourn::store {

// How full a store that has an end is.
struct Space {
  uint64_t used = 0;       // bytes that hold something
  uint64_t most = 0;       // bytes that there can be
  uint64_t allocated = 0;  // bytes taken from the disk, and never given back
};

// Counted since the opening, but for `waiting` and `space`. A trimming of events counts as a
// change. Each change that was taken in is one of committed, conflicts, failed. What a store does
// not have stays 0 or empty.
struct Statistics {
  uint64_t committed = 0;       // changes that are made
  uint64_t conflicts = 0;       // changes refused because someone else was first
  uint64_t failed = 0;          // changes answered with an error
  uint64_t refused = 0;         // changes not taken in: too many wait, closed, or no longer healthy
  uint64_t batches = 0;         // transactions committed
  uint64_t failed_batches = 0;  // transactions given up
  uint64_t failed_syncs = 0;    // syncs that the disk did not confirm
  uint64_t damaged_reads = 0;   // reads that met a damaged record
  uint64_t waiting = 0;         // changes waiting now
  DistributionView batch_sizes;      // changes in a committed transaction
  DistributionView commit_duration;  // of a committed transaction, its sync included; nanoseconds
  std::optional<Space> space;
};

// Stored sessions, those included whose time is over and that are not removed yet.
struct TenantCounts {
  struct One {
    domain::TenantId tenant;
    domain::Counts counts;
  };
  std::vector<One> tenants;  // always the same ones first
  domain::Counts others;     // of the tenants beyond the limit together
};

}  // namespace sojourn::store
