// Copies of a store, whole and checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/error.h"
#include "lmdb/check.h"

namespace sojourn::lmdb {

struct Copied {
  uint64_t bytes = 0;
  CheckReport contents;
};

// Told now and then how far it is, on the calling thread; both the same: the copy is made, and what
// it was made of is not read any longer.
using CopyProgress = std::function<void(uint64_t bytes, uint64_t of_about)>;

// Copies one moment of the store in `data` to the directory `target`, which is empty or made:
// data.mdb without free pages, and sojourn-backup, which knows its length and checksum. Another
// process may serve `data` meanwhile (this one must not); what it commits during the copy is not in
// it, and pages that the copy still reads are not used anew, so the store may grow. The copy is
// checked as sojourn check does, and on the disk, before it gets its name; an error leaves none.
Result<Copied> backup(const std::filesystem::path& data, const std::filesystem::path& target,
                      const CopyProgress& progress);

// Makes the directory `data`, which is empty or made, a copy of what backup() wrote to `from`.
// Nothing when the backup is not whole and sound.
Result<Copied> restore(const std::filesystem::path& from, const std::filesystem::path& data,
                       const CopyProgress& progress);

}  // namespace sojourn::lmdb
