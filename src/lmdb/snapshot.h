// One moment of a data directory, to be read to its end.
#pragma once

#include <filesystem>
#include <memory>

#include "store/snapshot.h"

namespace sojourn::lmdb {

// Of a directory that another process may have open, or none; this one must not. While it lives, no
// page that it sees is used anew, so the store may grow.
Result<std::unique_ptr<store::Snapshot>> open_snapshot(const std::filesystem::path& path);

}  // namespace sojourn::lmdb
