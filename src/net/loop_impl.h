// What a Loop is made of, for modules that do I/O on it. Includes Asio, so include it in few files.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "net/loop.h"

namespace sojourn::net {

using SteadyTime = std::chrono::steady_clock::time_point;

// Something that looks at its deadlines a few times a second, on the loop's thread.
class Ticking {
 public:
  virtual ~Ticking() = default;
  virtual void tick(SteadyTime now) = 0;
};

struct Loop::Impl {
  using Executor = boost::asio::io_context::executor_type;
  using SteadyTimer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

  // How exact deadlines and the Date are: this late at most, as long as the loop is not busy.
  static constexpr std::chrono::milliseconds kTick{100};

  Impl();
  void wait_for_tick();
  void on_tick();
  void run_posted();
  void add_delayed(SteadyTime due, std::move_only_function<void()> work);
  void wait_for_delayed();

  // One thread runs it: Asio then keeps its queue in that thread where it can.
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<Executor> work{context.get_executor()};
  SteadyTimer tick_timer{context};
  std::thread thread;

  // What was posted and did not run yet. A queue of our own, so that a burst of posts wakes the
  // thread once and costs no allocation each.
  std::mutex mutex;
  std::vector<std::move_only_function<void()>> posted;
  std::vector<std::move_only_function<void()>> running;
  bool stopped = false;

  // From here on: the loop's thread only.
  std::multimap<SteadyTime, std::move_only_function<void()>> delayed;  // of after(), by due time
  SteadyTimer delayed_timer{context};  // waits for the first of them
  std::vector<std::weak_ptr<Ticking>> tickings;
  SteadyTime now;  // coarse: as of the last tick
};

}  // namespace sojourn::net
