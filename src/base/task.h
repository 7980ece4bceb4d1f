// Task<T>: a function that may have to wait, as a C++ coroutine.
//
// A Task is either a value that is ready (built from a T: no coroutine, no allocation; this is how
// a store answers from memory) or a coroutine that starts when it is first awaited or start()ed and
// hands its T to whoever waits. There is no scheduler here: a coroutine that waits is resumed by
// whatever it waits for, and everything in this server that resumes one does so on the thread
// (base/executor.h) that it began on. So a Task needs no lock, and must not change threads.
//
// Exceptions thrown inside pass through to whoever awaits; expected failures travel as Result<T>.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace sojourn {

template <class T>
class Task;

namespace task_internal {

struct PromiseBase {
  // Resumes the coroutine that awaits this one, or, for a start()ed task, calls `on_done`.
  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      if (promise.continuation) return promise.continuation;
      if (promise.on_done) promise.on_done(promise.on_done_context);
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }

  std::coroutine_handle<> continuation;
  void (*on_done)(void*) = nullptr;
  void* on_done_context = nullptr;
  std::exception_ptr exception;
};

template <class T>
struct Promise final : PromiseBase {
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& from) {
    value.emplace(std::forward<U>(from));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
  std::optional<T> value;
};

template <>
struct Promise<void> final : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

struct Nothing {};

}  // namespace task_internal

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;
  using Ready = std::conditional_t<std::is_void_v<T>, task_internal::Nothing, T>;

  // A task that is done already.
  template <class U>
    requires(!std::is_void_v<T> && std::is_convertible_v<U &&, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Task>)
  Task(U&& ready) : ready_(std::forward<U>(ready)) {}
  static Task done()
    requires std::is_void_v<T>
  {
    Task task;
    task.ready_.emplace();
    return task;
  }

  explicit Task(Handle coroutine) : coroutine_(coroutine) {}
  Task(Task&& other) noexcept
      : ready_(std::move(other.ready_)), coroutine_(std::exchange(other.coroutine_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  // For co_await from another Task.
  bool await_ready() const noexcept { return ready_.has_value(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    coroutine_.promise().continuation = awaiting;
    return coroutine_;
  }
  T await_resume() { return take(); }

  // For callers that are no Task. Runs until the task is done (returns true; `on_done` is not
  // called) or waits for something (returns false; `on_done(context)` is called once it is done, on
  // the same thread, and may destroy the task). Call once. The task must outlive its wait.
  bool start(void (*on_done)(void*), void* context) {
    if (ready_.has_value()) return true;
    coroutine_.resume();
    if (coroutine_.done()) return true;
    coroutine_.promise().on_done = on_done;
    coroutine_.promise().on_done_context = context;
    return false;
  }

  // The result of a task that is done; once. Rethrows what the task threw.
  T take() {
    if (coroutine_) return coroutine_.promise().take();
    if constexpr (!std::is_void_v<T>) return std::move(*ready_);
  }

 private:
  Task() = default;

  std::optional<Ready> ready_;
  Handle coroutine_;
};

namespace task_internal {

template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace task_internal

// Runs all `tasks` at once and waits for the last: their results, in the order of the tasks. What
// one of them threw is thrown.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  struct Gathering {
    size_t waiting = 0;
    std::coroutine_handle<> continuation;

    bool await_ready() const noexcept { return waiting == 0; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { continuation = handle; }
    void await_resume() const noexcept {}
    static void one_done(void* self) {
      auto& gathering = *static_cast<Gathering*>(self);
      if (--gathering.waiting == 0 && gathering.continuation) gathering.continuation.resume();
    }
  };
  Gathering gathering;
  for (Task<T>& task : tasks) {
    if (!task.start(Gathering::one_done, &gathering)) ++gathering.waiting;
  }
  co_await gathering;
  std::vector<T> results;
  results.reserve(tasks.size());
  for (Task<T>& task : tasks) results.push_back(task.take());
  co_return results;
}

}  // namespace sojourn
