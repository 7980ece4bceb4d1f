#include "line_sink.h"

namespace sojourn::app {

void LineSink::log(const spdlog::details::log_msg& message) {
  line_.assign(message.payload.data(), message.payload.size());
  line_.push_back('\n');
  if (!writer_.write(line_, [this] { return !stopped_; })) {
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
