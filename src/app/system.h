// The real clock and the real randomness. Nothing but app/ names them.
#pragma once

#include "base/clock.h"
#include "base/entropy.h"

namespace sojourn::app {

// The wall clock of the machine.
class SystemClock final : public Clock {
 public:
  Time now() const override;
};

// The operating system's CSPRNG, getrandom(2).
class SystemEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace sojourn::app
