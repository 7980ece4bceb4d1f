// The thread that looks after an open store: nobody waits for a commit without an end, no dead
// process keeps pages, and the committer looks at its file once a second. This thread does not
// depend on the disk, on requests, or on the committer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "committer.h"
#include "readers.h"

namespace sojourn::lmdb {

class Watch {
 public:
  // `commit_timeout` is the committer's: looks are at most a twentieth of it, and 250 ms, apart.
  Watch(Committer& committer, Readers& readers, Duration commit_timeout);
  ~Watch();

 private:
  void run();

  Committer& committer_;
  Readers& readers_;
  const std::chrono::milliseconds period_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace sojourn::lmdb
