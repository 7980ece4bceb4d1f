// The data directory as the file system sees it: made, recognised, locked.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace sojourn::lmdb {

// Makes the directory with mode 0700 if there is nothing; durable on return. Refuses what is no
// directory, and a directory that holds files but no store.
Result<void> prepare_directory(const std::filesystem::path& path);

// Locks the directory against other processes and other objects of this one: the file descriptor
// that holds the lock until it is closed.
Result<int> lock_directory(const std::filesystem::path& path);

// The names in the directory are on the disk when this returns.
Result<void> sync_directory(const std::filesystem::path& path);

// "the store PATH cannot be opened: REASON" as an error that stops the start.
std::unexpected<Error> cannot_open(const std::filesystem::path& path, const std::string& reason);

}  // namespace sojourn::lmdb
