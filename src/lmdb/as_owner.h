// Root works in another user's directory as that user.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace sojourn::lmdb {

// While an AsOwner of `directory` exists, the calling thread acts as the directory's owner on files
// (if the directory does not exist, as its parent's owner). So if an operator runs `sojourn
// restore` as root, the service can open the files, and no link in the directory can lead root
// elsewhere. Files that are already open are not affected. Threads started meanwhile inherit it.
// Does nothing unless the process runs as root and another user owns the directory.
class AsOwner {
 public:
  explicit AsOwner(const std::filesystem::path& directory);
  ~AsOwner();
  AsOwner(const AsOwner&) = delete;
  AsOwner& operator=(const AsOwner&) = delete;

 private:
  bool changed_ = false;
  uid_t user_before_ = 0;
  gid_t group_before_ = 0;
};

}  // namespace sojourn::lmdb
