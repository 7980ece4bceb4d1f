// Which of the 16,384 hash slots of a Redis Cluster a key is in (Redis Cluster specification, "Key
// distribution model").
#pragma once

#include <cstdint>
#include <string_view>

namespace sojourn::redis {

inline constexpr uint16_t kSlots = 16384;

// CRC-16/XMODEM of the key modulo 16,384. Of a key that holds {tag} with something inside, only the
// tag counts: from the first '{' to the first '}' after it.
uint16_t slot_of(std::string_view key);

}  // namespace sojourn::redis
