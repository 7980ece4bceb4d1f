// When to ask for the slot map, and whom: decided without I/O.
//
// It is asked for when a client begins, when something makes the map doubtful (MOVED, a connection
// that broke, a node that no longer takes writes), and now and then. One node is asked at a time,
// until one answers; those that were doubted come last, the nodes of the URL after all that are
// known.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/entropy.h"
#include "redis/node_address.h"
#include "slot_map.h"

namespace sojourn::redis {

class TopologyMachine {
 public:
  using Now = std::chrono::steady_clock::time_point;

  TopologyMachine(std::vector<NodeAddress> seeds, Entropy& entropy);

  // The map is doubted: because of this node, where there is one.
  void doubt(const NodeAddress* because_of);

  // Whom to ask now; nobody while somebody is being asked, or while there is no reason to, or it is
  // too early. Call it after each of the others, and a few times a second. Every node that is
  // returned must be followed by on_map() or on_no_map().
  std::optional<NodeAddress> next(Now now, const SlotMap* map);

  // A map that nobody doubts is asked for anew all the same: for replicas, and for slots that
  // nobody uses.
  static constexpr Duration kPeriod = std::chrono::seconds(30);

  // `period`: until then.
  void on_map(Now now, Duration period = kPeriod);
  // The node that was asked did not answer, or with no map.
  void on_no_map(Now now);

  // Rounds of asking everybody that failed, since the last map.
  size_t failed_rounds() const { return failed_rounds_; }

 private:
  void begin_round(const SlotMap* map);

  const std::vector<NodeAddress> seeds_;
  Entropy& entropy_;
  bool wanted_ = true;
  bool asking_ = false;
  std::vector<NodeAddress> to_ask_;  // of this round, the next one last
  std::vector<NodeAddress> doubted_;
  Now not_before_ = Now::min();
  Now periodic_ = Now::max();
  size_t failed_rounds_ = 0;
};

}  // namespace sojourn::redis
