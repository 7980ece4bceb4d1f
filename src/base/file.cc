#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace sojourn {
namespace {

std::unexpected<std::string> failed(int error) {
  return std::unexpected(std::generic_category().message(error));
}

std::string size_in_words(size_t bytes) {
  constexpr size_t kKiB = 1024;
  constexpr size_t kMiB = 1024 * kKiB;
  if (bytes % kMiB == 0) return std::to_string(bytes / kMiB) + " MiB";
  if (bytes % kKiB == 0) return std::to_string(bytes / kKiB) + " KiB";
  return std::to_string(bytes) + " bytes";
}

}  // namespace

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(release());
}

std::expected<std::string, std::string> read_file(const std::filesystem::path& path, size_t most) {
  // Without O_NONBLOCK, opening a pipe waits until another process writes to it.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) return failed(errno);
  return read_file(file, most);
}

std::expected<std::string, std::string> read_file(const FileDescriptor& file, size_t most) {
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return failed(errno);
  if (S_ISDIR(status.st_mode)) return std::unexpected("it is a directory");
  if (!S_ISREG(status.st_mode)) return std::unexpected("it is not a regular file");
  constexpr size_t kPart = 64UL * 1024;
  std::string text;
  for (;;) {
    const size_t size = text.size();
    text.resize(size + kPart);
    const ssize_t got = ::read(file.get(), text.data() + size, kPart);
    const int error = errno;
    text.resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && error == EINTR) continue;
    if (got < 0) return failed(error);
    if (got == 0) return text;
    if (text.size() > most) {
      return std::unexpected("it is larger than " + size_in_words(most));
    }
  }
}

}  // namespace sojourn
