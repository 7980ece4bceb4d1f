#include "slot_map.h"

#include <algorithm>

namespace sojourn::redis {
namespace {

std::unexpected<Error> damaged() {
  return failure(ErrorKind::store_unavailable,
                 "A Redis server answered CLUSTER SLOTS with what is no slot map.");
}

// [host or nil, port, id, ...]
Result<NodeAddress> node_of(const Reply& reply, const NodeAddress& asked) {
  if (reply.elements.size() < 2) return damaged();
  const Reply& host = reply.elements[0];
  const Reply& port = reply.elements[1];
  if (host.kind != Reply::Kind::string && host.kind != Reply::Kind::nil) return damaged();
  if (port.kind != Reply::Kind::integer || port.integer < 1 || port.integer > 65535) {
    return damaged();
  }
  return completed({host.text, static_cast<uint16_t>(port.integer)}, asked);
}

bool is_slot(const Reply& reply) {
  return reply.kind == Reply::Kind::integer && reply.integer >= 0 && reply.integer < kSlots;
}

}  // namespace

NodeAddress completed(NodeAddress given, const NodeAddress& asked) {
  if (given.host.empty() || given.host == "?") given.host = asked.host;
  return given;
}

SlotMap SlotMap::of_one(NodeAddress node) {
  SlotMap map;
  map.masters_.push_back(std::move(node));
  std::ranges::fill(map.owners_, uint16_t{0});
  return map;
}

Result<SlotMap> SlotMap::from_reply(const Reply& reply, const NodeAddress& asked) {
  if (reply.kind != Reply::Kind::array) return damaged();
  SlotMap map;
  for (const Reply& range : reply.elements) {
    if (range.elements.size() < 3 || !is_slot(range.elements[0]) || !is_slot(range.elements[1])) {
      return damaged();
    }
    auto master = node_of(range.elements[2], asked);
    if (!master) return std::unexpected(std::move(master.error()));
    const uint16_t owner = map.index_of(*master);
    if (owner == kNobody) return damaged();
    for (int64_t slot = range.elements[0].integer; slot <= range.elements[1].integer; ++slot) {
      map.owners_[static_cast<size_t>(slot)] = owner;
    }
    for (size_t i = 3; i < range.elements.size(); ++i) {
      auto replica = node_of(range.elements[i], asked);
      if (!replica) return std::unexpected(std::move(replica.error()));
      if (std::ranges::find(map.replicas_, *replica) == map.replicas_.end()) {
        map.replicas_.push_back(*std::move(replica));
      }
    }
  }
  return map;
}

void SlotMap::move(uint16_t slot, const NodeAddress& to) {
  const uint16_t owner = index_of(to);
  if (owner != kNobody) owners_[slot] = owner;
}

uint16_t SlotMap::index_of(const NodeAddress& master) {
  const auto found = std::ranges::find(masters_, master);
  if (found != masters_.end()) return static_cast<uint16_t>(found - masters_.begin());
  if (masters_.size() == kSlots) return kNobody;
  masters_.push_back(master);
  return static_cast<uint16_t>(masters_.size() - 1);
}

}  // namespace sojourn::redis
