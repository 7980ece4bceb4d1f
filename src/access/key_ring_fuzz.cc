// Any bytes: a key file is read into keys that their lines would be read back as, or refused with a
// sentence; never a crash.
#include <cstdint>
#include <cstdlib>

#include "access/key_ring.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sojourn::access::KeyRing;
  const auto ring = KeyRing::parse({reinterpret_cast<const char*>(data), size}, "keys.toml");
  if (!ring) {
    if (!ring.error().starts_with("keys.toml:")) std::abort();
    return 0;
  }
  std::string lines;
  for (const auto& key : ring->keys()) {
    if (ring->find(key.sha256) != &key) std::abort();
    lines += sojourn::access::key_line(key);
  }
  const auto again = KeyRing::parse(lines, "keys.toml");
  if (!again || again->keys() != ring->keys()) std::abort();
  return 0;
}
