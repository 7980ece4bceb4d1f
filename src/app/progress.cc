#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace sojourn::app {

Progress::Progress(std::string what)
    : what_(std::move(what)), is_terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void Progress::show(uint64_t done, uint64_t of) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  drawn_ = true;
  std::string line;
  if (of == 0) {
    line = fmt::format("\r\033[K{} {}", what_, done);
  } else {
    constexpr size_t kWidth = 40;
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(of));
    const auto filled = static_cast<size_t>(part * kWidth);
    line = fmt::format("\r\033[K{} [{:#<{}}{: <{}}] {:3.0f} %", what_, "", filled, "",
                       kWidth - filled, part * 100);
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace sojourn::app
