#include "topology_machine.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "backoff.h"

namespace sojourn::redis {
namespace {

// However many commands are moved, a loop asks so often at most.
constexpr Duration kBetweenMaps = std::chrono::milliseconds(100);
constexpr Duration kFirstPause = std::chrono::milliseconds(50);
constexpr Duration kLongestPause = std::chrono::milliseconds(1000);
constexpr size_t kMostDoubted = 16;

bool contains(const std::vector<NodeAddress>& nodes, const NodeAddress& node) {
  return std::ranges::find(nodes, node) != nodes.end();
}

void shuffle(std::span<NodeAddress> nodes, Entropy& entropy) {
  for (size_t i = nodes.size(); i > 1; --i) {
    std::byte bytes[4];
    entropy.fill(bytes);
    uint32_t random = 0;
    std::memcpy(&random, bytes, sizeof random);
    std::swap(nodes[i - 1], nodes[random % i]);
  }
}

}  // namespace

TopologyMachine::TopologyMachine(std::vector<NodeAddress> seeds, Entropy& entropy)
    : seeds_(std::move(seeds)), entropy_(entropy) {}

void TopologyMachine::doubt(const NodeAddress* because_of) {
  wanted_ = true;
  if (because_of != nullptr && doubted_.size() < kMostDoubted && !contains(doubted_, *because_of)) {
    doubted_.push_back(*because_of);
  }
}

std::optional<NodeAddress> TopologyMachine::next(Now now, const SlotMap* map) {
  if (asking_) return std::nullopt;
  if (to_ask_.empty()) {
    if (now >= periodic_) wanted_ = true;
    if (!wanted_ || now < not_before_) return std::nullopt;
    begin_round(map);
  }
  asking_ = true;
  NodeAddress node = std::move(to_ask_.back());
  to_ask_.pop_back();
  return node;
}

void TopologyMachine::on_map(Now now, Duration period) {
  asking_ = false;
  wanted_ = false;
  to_ask_.clear();
  doubted_.clear();
  failed_rounds_ = 0;
  not_before_ = now + kBetweenMaps;
  periodic_ = now + jittered(period, entropy_);
}

void TopologyMachine::on_no_map(Now now) {
  asking_ = false;
  if (!to_ask_.empty()) return;
  wanted_ = true;
  doubted_.clear();
  not_before_ = now + jittered(backoff(failed_rounds_++, kFirstPause, kLongestPause), entropy_);
}

void TopologyMachine::begin_round(const SlotMap* map) {
  std::vector<NodeAddress> last;
  const auto add = [&](std::vector<NodeAddress> nodes) {
    shuffle(nodes, entropy_);
    for (NodeAddress& node : nodes) {
      if (contains(to_ask_, node) || contains(last, node)) continue;
      (contains(doubted_, node) ? last : to_ask_).push_back(std::move(node));
    }
  };
  if (map != nullptr) {
    add(map->masters());
    add(map->replicas());
  }
  add(seeds_);
  to_ask_.insert(to_ask_.end(), last.begin(), last.end());
  std::ranges::reverse(to_ask_);
}

}  // namespace sojourn::redis
