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

// Unless someone, such as a profiler, has a use for it.
void ignore_if_unused(int signal) {
  struct sigaction action{};
  if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
    std::signal(signal, SIG_IGN);
  }
}

}  // namespace

Signals::Signals() {
  const sigset_t signals = awaited();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Writing to a connection that is gone, or beyond a limit of file size, is an error code.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // An operator may mistake this server for another, which rotates its logs at one of these.
  for (const int signal :
       {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT}) {
    ignore_if_unused(signal);
  }
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) ignore_if_unused(signal);
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

OnNextEnd::OnNextEnd(const Signals& signals, std::function<void(int signal)> act)
    : thread_([this, &signals, act = std::move(act)] {
        for (;;) {
          const int signal = signals.wait();
          if (over_) return;
          if (signal != SIGHUP) return act(signal);
        }
      }) {}

OnNextEnd::~OnNextEnd() {
  over_ = true;
  pthread_kill(thread_.native_handle(), SIGHUP);  // wakes it; no other thread takes this one
  thread_.join();
}

}  // namespace sojourn::app
