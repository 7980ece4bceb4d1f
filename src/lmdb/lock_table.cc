#include "lock_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "directory.h"

namespace sojourn::lmdb {
namespace {

// For 1,024 readers LMDB needs 65,664 bytes; it takes what is beyond for further ones.
constexpr off_t kBytes = 68 * 1024;

// A copy-on-write file system (btrfs) needs room for each page that is written, however much of the
// file is allocated already; unless the file was made so before it had a first byte. Does nothing
// to one that has, and on other file systems.
void write_in_place(int fd) {
  int flags = 0;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_NOCOW_FL;
  ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

}  // namespace

Result<void> allocate_lock_table(const std::filesystem::path& directory) {
  const auto file = directory / kLockTableFile;
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    if (errno != ENOSPC && errno != EDQUOT) return {};
    return cannot_open(directory, "there is no room on the disk for lock.mdb");
  }
  write_in_place(fd);
  // Fills holes and adds to the end; what another process has in it stays.
  const int error = fallocate(fd, 0, 0, kBytes) == 0 ? 0 : errno;
  close(fd);
  if (error != ENOSPC && error != EDQUOT) return {};
  return cannot_open(
      directory, fmt::format("there is no room on the disk for lock.mdb ({} KiB)", kBytes / 1024));
}

}  // namespace sojourn::lmdb
