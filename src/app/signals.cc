#include "signals.h"

#include <pthread.h>

#include <csignal>

namespace sojourn::app {
namespace {

sigset_t awaited() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

Signals::Signals() {
  const sigset_t signals = awaited();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Writing to a connection that is gone, or beyond a limit of file size, is an error code.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

int Signals::wait() const {
  const sigset_t signals = awaited();
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  return signal;
}

bool Signals::end_is_asked_for() const {
  sigset_t pending;
  return sigpending(&pending) == 0 &&
         (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

}  // namespace sojourn::app
