// lock.mdb, LMDB's table of readers: the one file that LMDB writes through a memory map.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace sojourn::lmdb {

// Gives lock.mdb its whole size on the disk before LMDB maps it: a page without room on the disk
// would end the process with SIGBUS when it is first written. Keeps what is in it: another process
// may use it. Call before LMDB opens the directory in this process. The error says that there is no
// room; what else is wrong with the file, LMDB will say.
Result<void> allocate_lock_table(const std::filesystem::path& directory);

}  // namespace sojourn::lmdb
