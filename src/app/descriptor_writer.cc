#include "descriptor_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

namespace sojourn::app {
namespace {

// The same pipe, opened again without blocking. O_NONBLOCK on the descriptor itself would hold for
// everyone who shares it; without it, a write blocks when another process fills the pipe after
// poll() found room. None if it is no pipe that can be written to, or cannot be opened again.
FileDescriptor opened_again(int descriptor) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISFIFO(status.st_mode)) return FileDescriptor();
  if ((fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_RDONLY) return FileDescriptor();
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return FileDescriptor(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

}  // namespace

DescriptorWriter::DescriptorWriter(int descriptor)
    : own_(opened_again(descriptor)), descriptor_(own_.get() >= 0 ? own_.get() : descriptor) {}

bool DescriptorWriter::write(std::string_view text, const std::function<bool()>& go_on) {
  constexpr int kLookMilliseconds = 100;
  const auto is_over = [&] {
    if (go_on()) return false;
    errno = EAGAIN;
    return true;
  };
  while (!text.empty()) {
    if (is_over()) return false;
    pollfd wanted{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (::poll(&wanted, 1, kLookMilliseconds) <= 0) continue;
    if (is_over()) return false;
    // A pipe that is writable takes PIPE_BUF bytes at once and as one piece (pipe(7)).
    const ssize_t written =
        ::write(descriptor_, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
    if (written > 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return false;
    }
  }
  return true;
}

}  // namespace sojourn::app
