// A data directory that is being made: by a server's first start, a backup, a restore, an import.
//
// What is written lies in DIRECTORY/sojourn.partial until it is whole; then one rename makes
// DIRECTORY a store. So whatever interrupts it, and wherever the directory is mounted, there is a
// whole store or none: no server serves a part, and the next try begins from the start. A server's
// first start writes to another name, because what it leaves may be thrown away.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/error.h"

namespace sojourn::lmdb {

inline constexpr std::string_view kPartialDirectory = "sojourn.partial";

class AsOwner;

class Staging {
 public:
  // Makes the directory with mode 0700 when there is nothing, and keeps it locked. Refuses one that
  // has a store or anything else in it, but for what an interrupted staging left. As long as it
  // lives, its thread is the directory's owner to the file system (as_owner.h).
  static Result<std::unique_ptr<Staging>> begin(const std::filesystem::path& directory,
                                                std::string_view work = kPartialDirectory);

  // Throws away what is not finished.
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Where to write data.mdb and, of a backup, sojourn-backup. Empty, mode 0700.
  const std::filesystem::path& work() const { return work_; }

  // The files are the directory's, and on the disk, when this returns. The store in work() must be
  // closed, and synced.
  Result<void> finish();

 private:
  Staging(std::filesystem::path directory, std::string_view work, bool made, int lock,
          std::unique_ptr<AsOwner> owner);

  const std::unique_ptr<AsOwner> owner_;
  const std::filesystem::path directory_;
  const std::filesystem::path work_;
  const bool made_;  // the directory was not there
  const int lock_;
  bool finished_ = false;
};

}  // namespace sojourn::lmdb
