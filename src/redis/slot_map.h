// Which node serves which slot, as far as this client knows.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "redis/node_address.h"
#include "redis/reply.h"
#include "redis/slot.h"

namespace sojourn::redis {

// One thread at a time.
class SlotMap {
 public:
  // One server that is no cluster: it serves every slot.
  static SlotMap of_one(NodeAddress node);

  // From the answer to CLUSTER SLOTS. A node that does not know its own name is the one that was
  // asked. Slots that the answer leaves out are served by nobody.
  static Result<SlotMap> from_reply(const Reply& reply, const NodeAddress& asked);

  // Null: nobody.
  const NodeAddress* master_of(uint16_t slot) const {
    const uint16_t owner = owners_[slot];
    return owner == kNobody ? nullptr : &masters_[owner];
  }

  // As a MOVED reply says. Ignored when there are more masters than a cluster can have.
  void move(uint16_t slot, const NodeAddress& to);

  const std::vector<NodeAddress>& masters() const { return masters_; }
  const std::vector<NodeAddress>& replicas() const { return replicas_; }

 private:
  static constexpr uint16_t kNobody = 0xFFFF;

  SlotMap() : owners_(kSlots, kNobody) {}
  uint16_t index_of(const NodeAddress& master);

  std::vector<uint16_t> owners_;  // by slot, places in masters_
  std::vector<NodeAddress> masters_;
  std::vector<NodeAddress> replicas_;
};

// The endpoint that a node gave for a node: its own host is left out, or "?", where it does not
// know it.
NodeAddress completed(NodeAddress given, const NodeAddress& asked);

}  // namespace sojourn::redis
