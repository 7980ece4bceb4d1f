// One I/O thread with its event loop.
#pragma once

#include <memory>

#include "base/executor.h"
#include "base/timer.h"

namespace sojourn::net {

// An io_context and the thread that runs it. The thread starts with the first start() and ends with
// stop() or the destructor. post() and after() may be called from any thread.
//
// It reads the machine's steady clock itself, for delays and deadlines. No rule about sessions
// looks at it: those use the Clock (base/clock.h).
class Loop final : public Executor, public Timer {
 public:
  struct Impl;  // Asio lives behind this, in few files (net/loop_impl.h)

  Loop();
  ~Loop() override;

  void start();
  void post(std::move_only_function<void()> work) override;
  // Counts from the call, on the steady clock. A negative delay is none, one beyond a century is a
  // century.
  void after(Duration delay, std::move_only_function<void()> work) override;
  // Ends the thread once what it is running returns; pending work is destroyed. From any thread but
  // the loop's own. Connections on it are closed by the destructor; a request whose service still
  // waits is abandoned with its memory, because whoever it waits for may yet write there: drain the
  // servers first.
  void stop();

  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sojourn::net
