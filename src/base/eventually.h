// Waiting for a condition in a test, with an end.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace sojourn {

// How long a test waits for what should come: generous, because machines are busy.
inline constexpr std::chrono::seconds kTestLimit{20};

// False when `condition` does not come true in time.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kTestLimit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace sojourn
