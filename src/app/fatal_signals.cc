#include "fatal_signals.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "lmdb/store_fault.h"

namespace sojourn::app {
namespace {

using lmdb::StoreFault;

constexpr std::array kSignals = {SIGBUS, SIGSEGV, SIGFPE, SIGABRT};

// What they did before: a sanitizer has handlers of its own.
std::array<struct sigaction, kSignals.size()> before;

// One line, put together and written as a signal handler may.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    const size_t size = std::min(text.size(), bytes_.size() - size_);
    std::memcpy(bytes_.data() + size_, text.data(), size);
    size_ += size;
    return *this;
  }
  Line& operator<<(uint64_t number) {
    std::array<char, 20> digits;
    size_t first = digits.size();
    do {
      digits[--first] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
    return *this << std::string_view(digits.data() + first, digits.size() - first);
  }
  ~Line() {
    *this << "\n";
    [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, bytes_.data(), size_);
  }

 private:
  std::array<char, 1024> bytes_;
  size_t size_ = 0;
};

void print_what_to_do(Line& line, std::string_view file) {
  const size_t slash = file.rfind('/');
  line << " Run \"sojourn check --data " << file.substr(0, slash)
       << "\"; if the store is damaged, restore a backup.";
}

void explain(const StoreFault& fault, std::string_view name) {
  const std::string_view file = fault.file;
  Line line;
  line << "sojourn: ended by " << name << ": ";
  switch (fault.kind) {
    case StoreFault::Kind::memory:
      if (file.ends_with("/lock.mdb")) {
        line << file << " cannot be written: the disk is full or fails.";
        return;
      }
      line << file << " cannot be read at byte " << uint64_t{fault.offset}
           << ": it is damaged, was cut, or its disk fails.";
      break;
    case StoreFault::Kind::assertion:
      line << file << " is damaged.";
      break;
    case StoreFault::Kind::writing:
      line << "a change of " << file << " met what cannot be.";
      break;
  }
  print_what_to_do(line, file);
}

void handle(int signal, siginfo_t* info, void*) {
  static std::atomic_flag entered;
  while (entered.test_and_set()) pause();  // another thread explains, and ends all
  const bool has_address = signal == SIGBUS || signal == SIGSEGV;
  const auto fault = lmdb::store_fault_at(has_address ? info->si_addr : nullptr);
  const std::string_view name = sigabbrev_np(signal);
  std::array<char, 16> full_name{"SIG"};
  std::memcpy(full_name.data() + 3, name.data(), std::min(name.size(), full_name.size() - 3));
  const std::string_view signal_name(full_name.data(), std::strlen(full_name.data()));
  if (fault) explain(*fault, signal_name);
  if (fault && fault->kind != StoreFault::Kind::writing) _exit(kStoreFault);
  if (!fault) Line() << "sojourn: ended by " << signal_name << ", a fault of the program.";
  // The same again, as it would have been: a fault repeats itself, what was sent is sent once more.
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal) sigaction(signal, &before[i], nullptr);
  }
  if (info->si_code <= 0) raise(signal);
}

}  // namespace

void explain_fatal_signals() {
  struct sigaction action{};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &before[i]);
}

}  // namespace sojourn::app
