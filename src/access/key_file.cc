#include "access/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sojourn::access {
namespace {

using Path = std::filesystem::path;

class File {
 public:
  File(const Path& path, int flags) : descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::unexpected<std::string> failed(const Path& path, const char* what) {
  return std::unexpected(
      fmt::format("{}: cannot {} the key file: {}", path.string(), what, std::strerror(errno)));
}

std::expected<std::string, std::string> read_all(const File& file, const Path& path) {
  // A pipe or a device could keep us waiting for ever.
  struct stat status{};
  if (fstat(file.descriptor(), &status) != 0) return failed(path, "read");
  if (!S_ISREG(status.st_mode)) {
    return std::unexpected(fmt::format("{}: not a file; a key file is wanted", path.string()));
  }
  std::string text;
  for (;;) {
    const size_t size = text.size();
    text.resize(size + 64 * 1024);
    const ssize_t got = read(file.descriptor(), text.data() + size, text.size() - size);
    text.resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, "read");
    if (got == 0) return text;
    if (text.size() > kMaxKeyFileBytes) {
      return std::unexpected(fmt::format("{}: more than {} MiB; a key file is smaller",
                                         path.string(), kMaxKeyFileBytes >> 20));
    }
  }
}

Path directory_of(const Path& path) {
  const Path parent = path.parent_path();
  return parent.empty() ? "." : parent;
}

// The service can read what root creates in its directory: see key_file.h.
bool give_to_directory(const File& file, const Path& path) {
  struct stat directory{};
  if (stat(directory_of(path).c_str(), &directory) != 0) return false;
  const mode_t mode = 0600 | (directory.st_mode & S_IRGRP);
  return fchown(file.descriptor(), directory.st_uid, directory.st_gid) == 0 &&
         fchmod(file.descriptor(), mode) == 0;
}

void sync_directory_of(const Path& path) {
  const File directory(directory_of(path), O_RDONLY | O_DIRECTORY);
  if (directory.is_open()) fsync(directory.descriptor());
}

}  // namespace

std::expected<KeyRing, std::string> read_key_file(const Path& path) {
  const File file(path, O_RDONLY | O_NONBLOCK);
  if (!file.is_open()) return failed(path, "open");
  const auto text = read_all(file, path);
  if (!text) return std::unexpected(text.error());
  return KeyRing::parse(*text, path.string());
}

std::expected<void, std::string> append_to_key_file(const Path& path, const ApiKey& key) {
  const File made(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
  if (!made.is_open() && errno != EEXIST) return failed(path, "make");
  if (made.is_open() && geteuid() == 0 && !give_to_directory(made, path))
    return failed(path, "make");
  const File file(path, O_RDWR | O_APPEND | O_NONBLOCK);
  if (!file.is_open()) return failed(path, "open");
  if (flock(file.descriptor(), LOCK_EX) != 0) return failed(path, "lock");
  const auto text = read_all(file, path);
  if (!text) return std::unexpected(text.error());
  auto ring = KeyRing::parse(*text, path.string());
  if (!ring) return std::unexpected(ring.error());
  for (const ApiKey& other : ring->keys()) {
    if (other.name != key.name) continue;
    return std::unexpected(fmt::format(
        "{}: there is a key named {} already; choose another name, or remove its line first",
        path.string(), key.name));
  }
  const std::string line = (text->empty() || text->ends_with('\n') ? "" : "\n") + key_line(key);
  if (ring = KeyRing::parse(*text + line, path.string()); !ring) {
    return std::unexpected(ring.error());
  }
  // One write, so that a server that reads meanwhile sees the whole line or nothing of it.
  const ssize_t written = write(file.descriptor(), line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size()) || fsync(file.descriptor()) != 0) {
    if (written >= 0 && written != static_cast<ssize_t>(line.size())) errno = ENOSPC;
    auto failure = failed(path, "write to");
    if (ftruncate(file.descriptor(), static_cast<off_t>(text->size())) != 0) {
      failure.error() += "; its last line is broken now, remove it";
    }
    return failure;
  }
  if (text->empty()) sync_directory_of(path);
  return {};
}

}  // namespace sojourn::access
