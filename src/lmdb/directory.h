// The data directory as the file system sees it: made, recognised, locked.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "staging.h"

namespace sojourn::lmdb {

// What lies in a data directory, or beside its data.mdb in a backup.
inline constexpr std::string_view kDataFile = "data.mdb";
inline constexpr std::string_view kLockFile = "sojourn.lock";
inline constexpr std::string_view kLockTableFile = "lock.mdb";  // LMDB's, see lock_table.h
inline constexpr std::string_view kBackupFile = "sojourn-backup";
inline constexpr std::string_view kFirstStartDirectory = "sojourn.new";  // see staging.h

// What may lie in a directory where a store is made: left by a start that was cut short, by a store
// that was moved away, or by the making of a file system.
bool is_harmless(std::string_view name);

// Makes the directory with mode 0700 if there is nothing; durable on return. Refuses what is no
// directory, a directory that holds files but no store, and one whose store is lost: a new store
// must not take its place without a word.
Result<void> prepare_directory(const std::filesystem::path& path);

// Removes what an interrupted making of the store in a directory left; there is one now.
void remove_leftovers(const std::filesystem::path& path);

// Locks the directory against other processes and other objects of this one: the file descriptor
// that holds the lock until it is closed.
Result<int> lock_directory(const std::filesystem::path& path);

// The names in the directory are on the disk when this returns.
Result<void> sync_directory(const std::filesystem::path& path);

// So is the directory's own name, where that can be had: a parent may not be ours to read.
Result<void> sync_parent(const std::filesystem::path& path);

// "the store PATH cannot be opened: REASON" as an error that stops the start.
std::unexpected<Error> cannot_open(const std::filesystem::path& path, const std::string& reason);

}  // namespace sojourn::lmdb
