#include "as_owner.h"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sojourn::lmdb {

AsOwner::AsOwner(const std::filesystem::path& directory) {
  if (geteuid() != 0 || directory.empty()) return;
  const auto parent = std::filesystem::absolute(directory / ".").parent_path().parent_path();
  struct stat status{};
  if (stat(directory.c_str(), &status) != 0 && stat(parent.c_str(), &status) != 0) return;
  if (status.st_uid == 0) return;
  // The group first: with root's user id goes the right to use any group's files.
  group_before_ = static_cast<gid_t>(setfsgid(status.st_gid));
  user_before_ = static_cast<uid_t>(setfsuid(status.st_uid));
  changed_ = true;
}

AsOwner::~AsOwner() {
  if (!changed_) return;
  setfsuid(user_before_);
  setfsgid(group_before_);
}

}  // namespace sojourn::lmdb
