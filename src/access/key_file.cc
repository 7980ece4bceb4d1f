#include "access/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace sojourn::access {
namespace {

using Path = std::filesystem::path;

FileDescriptor open_file(const Path& path, int flags) {
  return FileDescriptor(open(path.c_str(), flags | O_CLOEXEC, 0600));
}

std::unexpected<std::string> failed(const Path& path, const char* what) {
  return std::unexpected(
      fmt::format("{}: cannot {} the key file: {}", path.string(), what, std::strerror(errno)));
}

std::unexpected<std::string> unreadable(const Path& path, const std::string& why) {
  return std::unexpected(fmt::format("{}: cannot read the key file: {}", path.string(), why));
}

Path directory_of(const Path& path) {
  const Path parent = path.parent_path();
  return parent.empty() ? "." : parent;
}

// The service can read what root creates in its directory: see key_file.h.
bool give_to_directory(const FileDescriptor& file, const Path& path) {
  struct stat directory{};
  if (stat(directory_of(path).c_str(), &directory) != 0) return false;
  const mode_t mode = 0600 | (directory.st_mode & S_IRGRP);
  return fchown(file.get(), directory.st_uid, directory.st_gid) == 0 &&
         fchmod(file.get(), mode) == 0;
}

void sync_directory_of(const Path& path) {
  const auto directory = open_file(directory_of(path), O_RDONLY | O_DIRECTORY);
  if (directory.get() >= 0) fsync(directory.get());
}

}  // namespace

std::expected<KeyRing, std::string> read_key_file(const Path& path) {
  const auto text = read_file(path, kMaxKeyFileBytes);
  if (!text) return unreadable(path, text.error());
  return KeyRing::parse(*text, path.string());
}

std::expected<void, std::string> append_to_key_file(const Path& path, const ApiKey& key) {
  const auto made = open_file(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
  if (made.get() < 0 && errno != EEXIST) return failed(path, "make");
  if (made.get() >= 0 && geteuid() == 0 && !give_to_directory(made, path)) {
    return failed(path, "make");
  }
  const auto file = open_file(path, O_RDWR | O_APPEND | O_NONBLOCK);
  if (file.get() < 0) return failed(path, "open");
  if (flock(file.get(), LOCK_EX) != 0) return failed(path, "lock");
  const auto text = read_file(file, kMaxKeyFileBytes);
  if (!text) return unreadable(path, text.error());
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
  const ssize_t written = write(file.get(), line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size()) || fsync(file.get()) != 0) {
    if (written >= 0 && written != static_cast<ssize_t>(line.size())) errno = ENOSPC;
    auto failure = failed(path, "write to");
    if (ftruncate(file.get(), static_cast<off_t>(text->size())) != 0) {
      failure.error() += "; its last line is broken now, remove it";
    }
    return failure;
  }
  if (text->empty()) sync_directory_of(path);
  return {};
}

}  // namespace sojourn::access
