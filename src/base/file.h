// Files of this machine: a descriptor with one owner, and small files read whole.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <utility>

namespace sojourn {

// A file descriptor with one owner. Negative: none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  // Closes it now.
  void reset();

 private:
  int fd_;
};

// The whole of a regular file (or of what a symbolic link leads to), at most `most` bytes. Options,
// keys and certificates are all read by this: a directory, which container engines make where a
// file to mount is missing, never reads as an empty file, and a pipe is not waited for. The error
// is why, to follow "cannot read PATH: ", for example "No such file or directory", "it is a
// directory", "it is larger than 4 MiB".
std::expected<std::string, std::string> read_file(const std::filesystem::path& path, size_t most);

// The same of an open file, from where its offset is.
std::expected<std::string, std::string> read_file(const FileDescriptor& file, size_t most);

}  // namespace sojourn
