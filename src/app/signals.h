// The signals that tell the server what to do.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace sojourn::app {

// From its making on, SIGTERM, SIGINT and SIGHUP come to wait() alone, and signals that mean
// nothing here (SIGUSR1, SIGUSR2, SIGALRM and others that end a process unless it says otherwise)
// are ignored. Made before any thread starts, so that every thread inherits the mask.
class Signals {
 public:
  Signals();

  // Waits for the next of them: SIGTERM, SIGINT or SIGHUP.
  int wait() const;

  // SIGTERM or SIGINT has come and is still to be waited for. Any thread.
  bool end_is_asked_for() const;
};

// While it lives, the next SIGTERM or SIGINT calls `act`, on a thread of its own, whatever the
// others wait for. Nobody may be in wait().
class OnNextEnd {
 public:
  OnNextEnd(const Signals& signals, std::function<void(int signal)> act);
  OnNextEnd(const OnNextEnd&) = delete;
  OnNextEnd& operator=(const OnNextEnd&) = delete;
  ~OnNextEnd();

 private:
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace sojourn::app
