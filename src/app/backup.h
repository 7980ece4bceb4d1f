// sojourn backup and sojourn restore.
#pragma once

#include <filesystem>

namespace sojourn::app {

// Both print what the copy holds, as check() does, and return the exit code.
int backup(const std::filesystem::path& data, const std::filesystem::path& target);
int restore(const std::filesystem::path& from, const std::filesystem::path& data);

}  // namespace sojourn::app
