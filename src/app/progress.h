// How far something long is, for whoever sits at a terminal; a script sees nothing of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sojourn::app {

class Progress {
 public:
  // `what` it is, as in "Copying".
  explicit Progress(std::string what);
  // Takes the line away.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Draws a bar, a few times a second at most. `of` 0: nobody knows; then a count.
  void show(uint64_t done, uint64_t of);

 private:
  const std::string what_;
  const bool is_terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace sojourn::app
