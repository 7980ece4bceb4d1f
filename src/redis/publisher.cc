#include "publisher.h"

#include <algorithm>
#include <utility>

#include "encoding/event_record.h"
#include "keys.h"
#include "store/session_store.h"

namespace sojourn::redis {
namespace {

// Events that go with one command, as long as one request does not bring more: it holds up the
// server for about a millisecond.
constexpr size_t kMaxBatch = 200;

}  // namespace

std::string marks_kept_ms() { return std::to_string(store::kMarkKept.count()); }

// Suspends until a request has its outcome. Destroyed before, the request goes on alone.
struct Publisher::Outcome {
  RequestPtr request;

  explicit Outcome(RequestPtr of) : request(std::move(of)) {}
  Outcome(const Outcome&) = delete;
  Outcome& operator=(const Outcome&) = delete;
  ~Outcome() { request->waiter = nullptr; }

  bool await_ready() const noexcept { return request->outcome.has_value(); }
  void await_suspend(std::coroutine_handle<> handle) { request->waiter = handle; }
  Result<void> await_resume() const { return *request->outcome; }
};

Task<Result<void>> Publisher::append(size_t shard, std::string tenant,
                                     std::vector<Outgoing> events) {
  Outcome outcome(std::make_shared<Request>(Request{shard, std::move(events), {}, {}}));
  const auto [at, idle] = queues_.try_emplace(tenant, *this, tenant);
  Queue& queue = at->second;
  queue.waiting.push_back(outcome.request);
  if (idle) {
    queue.work.emplace(work_off(queue));
    if (queue.work->start(done, &queue)) queues_.erase(at);
  }
  co_return co_await outcome;
}

void Publisher::done(void* queue) {
  auto& one = *static_cast<Queue*>(queue);
  one.owner.queues_.erase(one.owner.queues_.find(one.tenant));
}

Task<void> Publisher::work_off(Queue& queue) {
  while (!queue.waiting.empty()) {
    std::vector<RequestPtr> batch;
    size_t events = 0;
    while (!queue.waiting.empty() && (batch.empty() || events < kMaxBatch)) {
      events += queue.waiting.front()->events.size();
      batch.push_back(std::move(queue.waiting.front()));
      queue.waiting.pop_front();
    }
    const Result<void> outcome = co_await run(queue.tenant, batch);
    if (!outcome) {
      std::ranges::move(queue.waiting, std::back_inserter(batch));
      queue.waiting.clear();
    }
    for (const RequestPtr& request : batch) request->outcome = outcome;
    // Each may hand in another.
    for (const RequestPtr& request : batch) {
      if (const auto waiter = std::exchange(request->waiter, nullptr)) waiter.resume();
    }
  }
}

Task<Result<void>> Publisher::run(const std::string& tenant, const std::vector<RequestPtr>& batch) {
  const size_t home = shard_of(tenant);
  std::vector<std::string> keys = {key_in(home, "log", tenant), key_in(home, "head", tenant),
                                   key_in(home, "logs"), key_in(home, "mark", tenant)};
  std::vector<std::string> arguments = {tenant, marks_kept_ms()};
  std::optional<Time> oldest;
  for (const RequestPtr& request : batch) {
    for (Outgoing& event : request->events) {
      const auto time = event.value.empty()
                            ? std::nullopt
                            : encoding::time_of_event(std::string_view(event.value).substr(1));
      if (time && (!oldest || *time < *oldest)) oldest = time;
      arguments.push_back(std::to_string(request->shard));
      arguments.push_back(std::move(event.number));
      arguments.push_back(std::move(event.value));
    }
  }
  const auto reply = co_await servers_.run(servers_.scripts().publish, home, std::move(keys),
                                           std::move(arguments));
  if (!reply) co_return std::unexpected(reply.error());
  if (oldest) trimming_.filed(home, *oldest);
  co_return Result<void>();
}

}  // namespace sojourn::redis
