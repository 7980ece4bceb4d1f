// Counts that one thread makes and any thread reads: for metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sojourn {

// Only ever grows. add() is for one thread at a time and costs what a plain addition costs: no
// locked instruction.
class Counter {
 public:
  void add(uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// What a Distribution held at a moment, or the sum of several.
struct DistributionView {
  std::span<const uint64_t> bounds;  // upper ones, included; of static storage
  std::vector<uint64_t> counts;      // one for each bound, and one for what is above the last
  uint64_t sum = 0;

  uint64_t count() const {
    uint64_t all = 0;
    for (const uint64_t one : counts) all += one;
    return all;
  }
  // Of the same bounds, or empty.
  DistributionView& operator+=(const DistributionView& other) {
    if (counts.empty()) return *this = other;
    for (size_t i = 0; i < other.counts.size(); ++i) counts[i] += other.counts[i];
    sum += other.sum;
    return *this;
  }
};

// How often values of which size came. As Counter: one thread adds.
class Distribution {
 public:
  static constexpr size_t kMostBounds = 15;

  // In ascending order, at most kMostBounds, of static storage.
  explicit Distribution(std::span<const uint64_t> bounds) : bounds_(bounds) {}

  void add(uint64_t value) {
    size_t at = 0;
    while (at < bounds_.size() && value > bounds_[at]) ++at;
    counts_[at].add();
    sum_.add(value);
  }

  DistributionView view() const {
    DistributionView view{.bounds = bounds_, .counts = {}, .sum = sum_.value()};
    for (size_t i = 0; i <= bounds_.size(); ++i) view.counts.push_back(counts_[i].value());
    return view;
  }

 private:
  std::span<const uint64_t> bounds_;
  std::array<Counter, kMostBounds + 1> counts_;
  Counter sum_;
};

}  // namespace sojourn
