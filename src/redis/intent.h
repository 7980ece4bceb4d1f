// What a commit with an idempotency key is to do, as it stands in the key's shard until it is done:
// so that whoever meets it can finish it (docs/internals/redis-data-format.md, "Idempotency keys").
// Pure functions.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "encoding/sealed.h"

namespace sojourn::redis {

struct Intent {
  std::string number;                  // of the commit: 16 bytes, never used twice
  std::string session;                 // its name
  std::vector<std::string> arguments;  // of scripts/commit.lua
  std::string entry_after;             // as it is to be stored; empty: none

  friend bool operator==(const Intent&, const Intent&) = default;
};

inline constexpr size_t kCommitNumberBytes = 16;

// `key`: encoding::idempotency_key, under which it is stored.
std::string encoded(std::string_view key, const Intent& intent);
std::expected<Intent, encoding::RecordFault> decoded_intent(std::string_view key,
                                                            std::string_view bytes);

}  // namespace sojourn::redis
