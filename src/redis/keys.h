// The names of the keys (docs/internals/redis-data-format.md, "Keys"). Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "domain/session_id.h"

namespace sojourn::redis {

// All data is spread over so many shards. What belongs to one shard is in one slot of a cluster, so
// one script changes it atomically.
inline constexpr size_t kShards = 1024;

// Where a thing of that name (encoding/keys.h) is.
size_t shard_of(std::string_view name);

// The slot of all keys of a shard.
uint16_t slot_of_shard(size_t shard);

// "{s0123}:kind", or "{s0123}:kind:rest" when there is a rest.
std::string key_in(size_t shard, std::string_view kind, std::string_view rest = {});

// The two parts of a session's name.
inline std::string_view tenant_part(std::string_view session_name) {
  return session_name.substr(0, session_name.size() - domain::SessionId::kBytes);
}
inline std::string_view id_part(std::string_view session_name) {
  return session_name.substr(session_name.size() - domain::SessionId::kBytes);
}

// What is filed in `due` and in `work`: what a member begins with. Stored.
inline constexpr char kSessionFiled = 's';
inline constexpr char kKeyFiled = 'k';
inline constexpr char kIndexEntryFiled = 'i';

}  // namespace sojourn::redis
