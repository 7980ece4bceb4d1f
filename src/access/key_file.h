// The key file on disk.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "access/key_ring.h"

namespace sojourn::access {

inline constexpr size_t kMaxKeyFileBytes = 16 * 1024 * 1024;

// The error is one sentence that names the file and says what would be right.
std::expected<KeyRing, std::string> read_key_file(const std::filesystem::path& path);

// Adds the line of `key` at the end of the file and syncs it. Creates a missing file, readable only
// by its owner; as root, with the owner and group of its directory, and readable by that group if
// the group may list the directory (/etc/sojourn is for the service's group). Changes nothing
// unless the file with the new line is one that a server would take: a name that is there already
// is refused. One process at a time.
std::expected<void, std::string> append_to_key_file(const std::filesystem::path& path,
                                                    const ApiKey& key);

}  // namespace sojourn::access
