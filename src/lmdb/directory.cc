#include "directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sojourn::lmdb {
namespace {

std::string reason_of(int error) { return std::generic_category().message(error); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Result<void> check_contents(const std::filesystem::path& path) {
  std::error_code error;
  bool foreign = false;
  bool partial = false;
  bool lost = false;  // LMDB makes its table of readers only beside a data.mdb
  for (auto entry = std::filesystem::directory_iterator(path, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == kDataFile) return {};
    partial = partial || name == kPartialDirectory;
    lost = lost || name == kLockTableFile;
    foreign = foreign || !is_harmless(name);
  }
  if (error) return cannot_open(path, error.message());
  if (partial) {
    return cannot_open(path,
                       "a restore or an import into it was not finished; do it again, or remove "
                       "the directory");
  }
  if (lost) {
    return cannot_open(path,
                       "there was a store in it (lock.mdb is its trace), and data.mdb is missing; "
                       "put it back or restore a backup, or remove lock.mdb to begin with an empty "
                       "store");
  }
  if (foreign) {
    return cannot_open(path,
                       "the directory holds other files and no store; name an empty or new "
                       "directory");
  }
  return {};
}

// The process id that the holder of the lock wrote down; empty when it cannot be read.
std::string holder_of(int lock) {
  std::array<char, 32> text{};
  const ssize_t size = pread(lock, text.data(), text.size(), 0);
  if (size <= 0) return {};
  const std::string_view read(text.data(), static_cast<size_t>(size));
  const std::string_view pid = read.substr(0, read.find_first_not_of("0123456789"));
  return std::string(pid);
}

}  // namespace

bool is_harmless(std::string_view name) {
  constexpr std::array<std::string_view, 4> kHarmless = {kLockFile, kLockTableFile,
                                                         kFirstStartDirectory, "lost+found"};
  return std::ranges::find(kHarmless, name) != kHarmless.end();
}

std::unexpected<Error> cannot_open(const std::filesystem::path& path, const std::string& reason) {
  return failure(ErrorKind::store_unavailable,
                 fmt::format("The store {} cannot be opened: {}.", path.string(), reason));
}

Result<void> prepare_directory(const std::filesystem::path& path) {
  if (path.empty()) return cannot_open(path, "its path is empty; name a directory");
  if (mkdir(path.c_str(), 0700) == 0) {
    const auto parent = std::filesystem::absolute(path / ".").parent_path().parent_path();
    return sync_directory(parent);
  }
  if (errno != EEXIST) return cannot_open(path, "making the directory: " + reason_of(errno));
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return cannot_open(path, reason_of(errno));
  if (!S_ISDIR(status.st_mode)) return cannot_open(path, "it is not a directory");
  return check_contents(path);
}

void remove_leftovers(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path / kFirstStartDirectory, ignored);
  std::filesystem::remove_all(path / kPartialDirectory, ignored);
}

Result<int> lock_directory(const std::filesystem::path& path) {
  const auto file = path / kLockFile;
  Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) return cannot_open(path, "opening sojourn.lock: " + reason_of(errno));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return cannot_open(path, "locking sojourn.lock: " + reason_of(errno));
    const std::string holder = holder_of(lock.get());
    return cannot_open(path, holder.empty()
                                 ? "another process has it open; stop that one first"
                                 : "process " + holder + " has it open; stop that one first");
  }
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(lock.get(), 0) != 0 ||
      pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    // The lock holds all the same; only the other's error will not name us.
  }
  return lock.release();
}

Result<void> sync_directory(const std::filesystem::path& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return cannot_open(path, reason_of(errno));
  if (fsync(directory.get()) != 0) return cannot_open(path, "syncing: " + reason_of(errno));
  return {};
}

Result<void> sync_parent(const std::filesystem::path& path) {
  const auto parent = std::filesystem::absolute(path / ".").parent_path().parent_path();
  const Descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) == 0 || errno != EIO) return {};
  return cannot_open(path, "syncing the directory that it is in: " + reason_of(errno));
}

}  // namespace sojourn::lmdb
