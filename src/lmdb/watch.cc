#include "watch.h"

#include <algorithm>

namespace sojourn::lmdb {
namespace {

constexpr std::chrono::seconds kSlowLooksEvery{1};

}  // namespace

Watch::Watch(Committer& committer, Readers& readers, Duration commit_timeout)
    : committer_(committer),
      readers_(readers),
      period_(std::clamp(commit_timeout / 20, Duration(1), Duration(250))) {
  thread_ = std::thread([this] { run(); });
}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Watch::run() {
  Moment slow_looks_at = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, period_, [this] { return ends_; })) {
    const Moment now = std::chrono::steady_clock::now();
    committer_.look(now);
    if (now < slow_looks_at) continue;
    slow_looks_at = now + kSlowLooksEvery;
    committer_.want_look_at_disk();
    readers_.look(now);
  }
}

}  // namespace sojourn::lmdb
