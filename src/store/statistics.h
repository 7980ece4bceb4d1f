// What a store tells operators of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "domain/session.h"
#include "domain/tenant_id.h"

namespace sojourn::store {

// How full a store that has an end is.
struct Space {
  uint64_t used = 0;       // bytes that hold something
  uint64_t most = 0;       // bytes that there can be
  uint64_t allocated = 0;  // bytes taken from the disk, and never given back
  // Bytes that it may still take: up to `most`, or as long as the disk lasts, whichever is less.
  uint64_t room = 0;
  std::optional<uint64_t> disk_available;  // bytes free on the disk; absent: it does not say
};

// Who else reads a store that has files of its own.
struct ReaderStatistics {
  uint64_t others = 0;   // readings by other processes, now: a backup, an export, a check
  Duration oldest{};     // how long the oldest reading has kept room that was freed from use
  uint64_t cleared = 0;  // readings that ended with their process, since the opening
};

// How a store gets on with the servers that keep its data, all threads together. A command is what
// the store sent once and waited for, however often it had to be tried.
struct ServerStatistics {
  uint64_t answered = 0;       // commands, error replies included
  uint64_t timed_out = 0;      // not answered in time
  uint64_t lost = 0;           // their connection broke, and they may not be repeated
  uint64_t refused = 0;        // not sent, because too many waited
  uint64_t waiting = 0;        // now
  DistributionView durations;  // of those answered; nanoseconds
  uint64_t retries = 0;
  uint64_t unconfirmed = 0;  // writes that too few replicas have confirmed in time
  std::vector<std::pair<std::string_view, uint64_t>> errors;  // error replies, by code
  uint64_t connections = 0;                                   // open now
  uint64_t connects = 0;
  uint64_t failed_connects = 0;
  uint64_t lost_connections = 0;
  uint64_t failing_shards = 0;  // parts of the store that did not answer lately
  uint64_t map_refreshes = 0;   // looks at which server serves what
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
  uint64_t timed_out = 0;       // changes answered with an error because they waited too long
  uint64_t damaged_reads = 0;   // reads that met a damaged record
  uint64_t waiting = 0;         // changes waiting now
  DistributionView batch_sizes;  // changes in a committed transaction
  // Of a committed transaction, its sync included, or of a change where each is one; nanoseconds.
  DistributionView commit_duration;
  std::optional<Space> space;
  std::optional<ReaderStatistics> readers;
  std::optional<ServerStatistics> servers;
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
