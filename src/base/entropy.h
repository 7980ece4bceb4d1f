// Randomness, as something that is handed in.
#pragma once

#include <cstddef>
#include <span>

namespace sojourn {

// The only source of random bytes. The real one, in app/, reads the operating system's CSPRNG
// (getrandom), as OWASP ASVS 5.0 7.2.3 asks of session identifiers; tests hand in a seeded one.
// fill() may be called from any thread and always fills all of `out`.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::byte> out) = 0;
};

}  // namespace sojourn
