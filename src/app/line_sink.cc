#include "line_sink.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace sojourn::app {

void LineSink::log(const spdlog::details::log_msg& message) {
  line_.assign(message.payload.data(), message.payload.size());
  line_.push_back('\n');
  if (!write_all(line_)) dropped_.fetch_add(1, std::memory_order_relaxed);
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

bool LineSink::write_all(std::string_view line) {
  while (!line.empty()) {
    if (!wait_until_writable()) return false;
    // A pipe that is writable takes PIPE_BUF bytes at once and as one piece (pipe(7)). The
    // descriptor is not made non-blocking: it is shared with whoever started us.
    const ssize_t written =
        ::write(descriptor_, line.data(), std::min<size_t>(line.size(), PIPE_BUF));
    if (written > 0) {
      line.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return false;
    }
  }
  return true;
}

bool LineSink::wait_until_writable() {
  constexpr int kLookMilliseconds = 100;  // for stopped_
  while (!stopped_) {
    pollfd wanted{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (::poll(&wanted, 1, kLookMilliseconds) > 0) return true;
  }
  return false;
}

}  // namespace sojourn::app
