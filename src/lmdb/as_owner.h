// Root works in another user's directory as that user.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace sojourn::lmdb {

// An operator runs `sojourn restore` as root in the directory of the service. While an AsOwner of
// that directory lives, the files that this thread makes belong to the directory's owner (if the
// directory does not exist, to its parent's), so the service can open them; and the thread may
// touch only what the owner may, so no link in the directory can lead root elsewhere. Files that
// are open already stay as they are. Threads started meanwhile inherit it. Does nothing unless root
// runs it and the owner is another user.
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
