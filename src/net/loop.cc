#include "net/loop.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "net/loop_impl.h"

namespace sojourn::net {

namespace asio = boost::asio;

namespace {

// A due time that far away still fits the steady clock's nanoseconds.
constexpr Duration kCentury = std::chrono::hours(24 * 36525);

}  // namespace

Loop::Impl::Impl() { on_tick(); }

void Loop::Impl::wait_for_tick() {
  tick_timer.expires_after(kTick);
  tick_timer.async_wait([this](boost::system::error_code error) {
    if (error) return;
    on_tick();
    wait_for_tick();
  });
}

void Loop::Impl::on_tick() {
  now = std::chrono::steady_clock::now();
  std::erase_if(tickings, [](const std::weak_ptr<Ticking>& ticking) { return ticking.expired(); });
  for (size_t i = 0; i < tickings.size(); ++i) {
    if (const auto ticking = tickings[i].lock()) ticking->tick(now);
  }
}

void Loop::Impl::run_posted() {
  {
    const std::lock_guard lock(mutex);
    running.swap(posted);
  }
  for (auto& work_item : running) work_item();
  running.clear();
}

void Loop::Impl::add_delayed(SteadyTime due, std::move_only_function<void()> work_item) {
  const auto place = delayed.emplace(due, std::move(work_item));
  if (place == delayed.begin()) wait_for_delayed();
}

// Setting the timer anew ends the wait before it.
void Loop::Impl::wait_for_delayed() {
  delayed_timer.expires_at(delayed.begin()->first);
  delayed_timer.async_wait([this](boost::system::error_code error) {
    if (error) return;
    const auto end = delayed.upper_bound(std::chrono::steady_clock::now());
    while (delayed.begin() != end) delayed.extract(delayed.begin()).mapped()();
    if (!delayed.empty()) wait_for_delayed();
  });
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}

Loop::~Loop() { stop(); }

void Loop::start() {
  if (impl_->thread.joinable()) return;
  impl_->thread = std::thread([impl = impl_.get()] {
    impl->wait_for_tick();
    impl->context.run();
  });
}

void Loop::post(std::move_only_function<void()> work) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopped) return;  // `work` is destroyed after the lock is gone: it is a parameter
    impl_->posted.push_back(std::move(work));
    if (impl_->posted.size() > 1) return;  // the thread is on its way
  }
  asio::post(impl_->context, [impl = impl_.get()] { impl->run_posted(); });
}

void Loop::after(Duration delay, std::move_only_function<void()> work) {
  const auto due = std::chrono::steady_clock::now() + std::clamp(delay, Duration::zero(), kCentury);
  post([impl = impl_.get(), due, work = std::move(work)]() mutable {
    impl->add_delayed(due, std::move(work));
  });
}

void Loop::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
  }
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  // Outside the lock: what is destroyed here may post.
  std::vector<std::move_only_function<void()>> dropped;
  {
    const std::lock_guard lock(impl_->mutex);
    dropped.swap(impl_->posted);
  }
  impl_->delayed.clear();
}

}  // namespace sojourn::net
