// The API keys that are accepted, as the key file lists them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "access/api_key.h"

namespace sojourn::access {

// Immutable; any thread may call.
class KeyRing {
 public:
  static constexpr size_t kMaxKeys = 10'000;

  // An empty ring, which refuses everybody.
  KeyRing() = default;

  // Reads a key file: TOML, one line a key, no two with the same name or the same hash.
  //
  //   web = { sha256 = "9f86...", tenants = ["1", "2"], scopes = ["read", "write"] }
  //   ops = { sha256 = "60af...", tenants = "*", scopes = ["admin"], expires = 2027-01-01T00:00:00Z
  //   }
  //
  // The error is one sentence that begins with `place` and the line, and says what would be right.
  // It repeats no value, for that could be a secret in the wrong place.
  static std::expected<KeyRing, std::string> parse(std::string_view text, std::string_view place);

  // Nothing when no key has this hash. The pointer lives as long as the ring.
  const ApiKey* find(const Digest& sha256) const;

  const std::vector<ApiKey>& keys() const { return keys_; }

 private:
  explicit KeyRing(std::vector<ApiKey> keys);

  struct Place {
    uint64_t hash_begin;  // the first 8 bytes of the hash
    uint32_t key;         // index in keys_
  };

  std::vector<ApiKey> keys_;   // by name
  std::vector<Place> places_;  // by hash_begin
};

// One line of a key file, with its line end: what parse() reads back as `key`.
std::string key_line(const ApiKey& key);

// The moment that a key file would mean by this text, such as "2027-01-01T00:00:00Z". The error
// says what would be right.
std::expected<Time, std::string> parse_expiry(std::string_view text);

}  // namespace sojourn::access
