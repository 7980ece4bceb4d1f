// data.mdb before LMDB maps it: whether it is a file of LMDB at all, and which of its two heads is
// the newest.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "page.h"

namespace sojourn::lmdb {

// The newest head of data.mdb, which is read without a map. The error completes "The store PATH
// cannot be opened: ". `synced`: every commit was synced before the next, so the two heads are of
// neighbouring commits; a power cut may leave others where they were not.
std::expected<Head, std::string> newest_head(const std::filesystem::path& file, bool synced);

}  // namespace sojourn::lmdb
