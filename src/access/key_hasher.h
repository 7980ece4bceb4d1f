// SHA-256 of API keys.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sojourn::access {

// What the server keeps of a key: the plain SHA-256 of its text. A password would need a salt and a
// slow function, because people choose few of them, so that they can be guessed from their hashes.
// A key is 256 bits of the CSPRNG: nobody guesses it, however fast a guess is, and no two are
// alike.
using Digest = std::array<uint8_t, 32>;

// One per thread, since it keeps OpenSSL's workspace: about 0.1 us a key, where a call that looks
// SHA-256 up anew costs three times as much and takes a lock that all threads share.
class KeyHasher {
 public:
  KeyHasher();
  ~KeyHasher();
  KeyHasher(KeyHasher&&) noexcept;
  KeyHasher& operator=(KeyHasher&&) noexcept;

  Digest operator()(std::string_view key);

 private:
  struct Workspace;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace sojourn::access
