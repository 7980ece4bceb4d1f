// The real randomness. Nothing but app/ names it.
#pragma once

#include "base/entropy.h"

namespace sojourn::app {

// The operating system's CSPRNG, getrandom(2).
class SystemEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace sojourn::app
