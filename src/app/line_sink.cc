#include "line_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace sojourn::app {
namespace {

// When nobody reads: EAGAIN.
bool wait_until_writable(int descriptor, const std::function<bool()>& go_on) {
  constexpr int kLookMilliseconds = 100;
  while (go_on()) {
    pollfd wanted{.fd = descriptor, .events = POLLOUT, .revents = 0};
    if (::poll(&wanted, 1, kLookMilliseconds) > 0) return true;
  }
  errno = EAGAIN;
  return false;
}

// The same pipe, opened again without blocking. O_NONBLOCK on the descriptor itself would hold for
// everyone who shares it; without it, a write blocks when another process fills the pipe after
// poll() found room. None if it is no pipe, or cannot be opened again.
FileDescriptor opened_again(int descriptor) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISFIFO(status.st_mode)) return FileDescriptor();
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return FileDescriptor(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

}  // namespace

LineSink::LineSink(int descriptor)
    : own_(opened_again(descriptor)), descriptor_(own_.get() >= 0 ? own_.get() : descriptor) {}

bool write_while(int descriptor, std::string_view text, const std::function<bool()>& go_on) {
  while (!text.empty()) {
    if (!wait_until_writable(descriptor, go_on)) return false;
    // A pipe that is writable takes PIPE_BUF bytes at once and as one piece (pipe(7)).
    const ssize_t written =
        ::write(descriptor, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
    if (written > 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return false;
    }
  }
  return true;
}

void LineSink::log(const spdlog::details::log_msg& message) {
  line_.assign(message.payload.data(), message.payload.size());
  line_.push_back('\n');
  if (!write_while(descriptor_, line_, [this] { return !stopped_; })) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
  }
}

void LineSink::flush() {
  {
    const std::lock_guard lock(mutex_);
    ++marks_;
  }
  marked_.notify_all();
}

uint64_t LineSink::marks() const {
  const std::lock_guard lock(mutex_);
  return marks_;
}

void LineSink::wait_for_mark(uint64_t number, Duration limit) {
  std::unique_lock lock(mutex_);
  marked_.wait_for(lock, limit, [&] { return marks_ >= number; });
}

}  // namespace sojourn::app
