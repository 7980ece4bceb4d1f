#include "interruption.h"

#include <csignal>

#include <array>
#include <atomic>

namespace sojourn::app {
namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

std::atomic<int> last_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

}  // namespace

Interruption::Interruption() {
  for (const int signal : kSignals) {
    struct sigaction action{};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = [](int came) {
      last_signal = came;
    };  // no SA_RESTART: calls are broken off
    sigaction(signal, &action, nullptr);
  }
}

bool Interruption::came() const { return last_signal != 0; }

void Interruption::end_by_it() const {
  const int signal = last_signal;
  if (signal == 0) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace sojourn::app
