// A thread to go on with.
#pragma once

#include <functional>

namespace sojourn {

// Runs what is posted to it, in order, on one thread of its own. post() may be called from any
// thread and returns at once; the work runs later, never inside post(). Work posted to an executor
// that has stopped is destroyed without being run.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(std::move_only_function<void()> work) = 0;
};

}  // namespace sojourn
