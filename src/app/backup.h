// sojourn backup and sojourn restore.
#pragma once

#include <filesystem>

#include "base/clock.h"

namespace sojourn::app {

// Both print what the copy holds, as check() does, and return the exit code. `stall_limit`: see
// stall_limit.h.
int backup(const std::filesystem::path& data, const std::filesystem::path& target,
           Duration stall_limit);
int restore(const std::filesystem::path& from, const std::filesystem::path& data);

}  // namespace sojourn::app
