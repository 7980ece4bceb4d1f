// Randomness that is the same in every run. A real implementation, for tests.
#pragma once

#include <cstdint>
#include <random>

#include "base/entropy.h"

namespace sojourn {

// One thread at a time.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(uint32_t seed = 42) : random_(seed) {}

  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = static_cast<std::byte>(random_());
  }

 private:
  std::mt19937 random_;
};

}  // namespace sojourn
