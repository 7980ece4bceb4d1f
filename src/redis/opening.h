// What is looked at before the store is used.
#pragma once

#include "servers.h"

namespace sojourn::redis {

// The version of everything docs/internals/redis-data-format.md describes.
inline constexpr int kFormatVersion = 1;

// Why the servers cannot be used.
struct Unready {
  std::string sentence;  // says what to do
  bool may_pass;         // they may be as they should a moment later: they cannot be reached yet
};

// Refuses servers that would lose sessions, and data of a newer format; warns of what may be meant;
// marks an empty database as ours.
Task<std::expected<void, Unready>> check_servers(Client& client, Log& log);

}  // namespace sojourn::redis
