#include "cluster_client.h"

#include <algorithm>
#include <coroutine>
#include <string_view>
#include <variant>

#include "backoff.h"

namespace sojourn::redis {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

// Suspends until a request has its outcome. Destroyed before, the request goes on alone.
struct Waiter {
  RequestPtr request;

  explicit Waiter(RequestPtr given) : request(std::move(given)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { request->on_done = nullptr; }

  bool await_ready() const noexcept { return request->is_done(); }
  void await_suspend(std::coroutine_handle<> handle) {
    request->on_done = [handle] { handle.resume(); };
  }
  void await_resume() const noexcept {}
};

// Emptied before it runs: what it resumes may destroy it.
void tell(Request& request) {
  if (auto on_done = std::exchange(request.on_done, nullptr)) on_done();
}

// A Redis server takes 16 KiB from a connection, some twenty creations, then looks at the others,
// and then has its log written to the disk, once for all: so a single connection would keep the
// number of writes small that one synchronization is good for.
constexpr size_t kConnectionsForWrites = 4;

// A map is asked for again elsewhere after this part of a command's time.
constexpr int kMapTimeoutDivisor = 4;

// A lone server says to nobody who reads that it has been made a replica: it is asked.
constexpr Duration kLonePeriod = std::chrono::milliseconds(1000);

bool is_no_cluster(const Reply& reply) {
  return reply.is_error() && reply.text.contains("cluster support disabled");
}

Failure closed_failure(bool maybe_executed) {
  return {.error = {ErrorKind::store_unavailable,
                    "The session store is being closed; try again later."},
          .maybe_executed = maybe_executed};
}

}  // namespace

ClientCore::ClientCore(net::Loop& loop, std::shared_ptr<const Access> access, Entropy& entropy,
                       Log& log)
    : loop_(loop),
      access_(std::move(access)),
      entropy_(entropy),
      log_(log),
      topology_(access_->url.nodes, entropy) {}

// --- Requests: begin, route, act, finish. ---

RequestPtr ClientCore::made(Command command, CommandMachine::Persistence persistence,
                            Duration timeout) {
  auto request = std::make_shared<Request>(std::move(command),
                                           std::chrono::steady_clock::now() + timeout, persistence);
  request->place = requests_.size();
  requests_.push_back(request);
  if (persistence == CommandMachine::Persistence::until_deadline) {
    counters->begun.add();
  }
  if (!ticking_) {
    ticking_ = true;
    loop_.impl().tickings.push_back(weak_from_this());
  }
  return request;
}

RequestPtr ClientCore::begin(Command command, const NodeAddress* node) {
  RequestPtr request = made(std::move(command), CommandMachine::Persistence::until_deadline,
                            access_->options.command_timeout);
  if (node != nullptr) {
    request->node = *node;
    request->pinned = true;
  }
  if (closed_) {
    finish(request, std::unexpected(closed_failure(false)), counters->refused);
  } else {
    route(request, true);
  }
  return request;
}

RequestPtr ClientCore::begin_map_wait() {
  RequestPtr request = made(Command(0, {"PING"}), CommandMachine::Persistence::once,
                            access_->options.command_timeout);
  request->for_map = true;
  if (closed_) {
    finish(request, std::unexpected(closed_failure(false)), counters->refused);
  } else if (map_) {
    finish(request, Answer{}, counters->answered);
  } else {
    park(request);
  }
  return request;
}

void ClientCore::route(const RequestPtr& request, bool first_time) {
  if (!request->node && !map_) return park(request);
  const NodeAddress* const node =
      request->node ? &*request->node : map_->master_of(request->command.slot);
  if (node == nullptr) return act(request, request->machine.on_no_owner(), nullptr);
  Connection& chosen = connection(way_of(request->command, *node));
  if (chosen.is_pausing()) return act(request, request->machine.on_unsent(), node);
  // The client's own questions find room always: there is one at a time.
  const bool own = request->machine.persistence() == CommandMachine::Persistence::once;
  if (!own && pending_for(*node) >= access_->options.max_pending) {
    return first_time ? refuse(request) : act(request, request->machine.on_unsent(), nullptr);
  }
  chosen.add(request);
}

void ClientCore::act(const RequestPtr& request, CommandMachine::Step step,
                     const NodeAddress* from) {
  std::visit(Overloaded{
                 [&](CommandMachine::SendToOwner) { route(request, false); },
                 [&](CommandMachine::Redirect& redirect) {
                   if (!redirect.asking) {
                     if (map_) map_->move(request->command.slot, redirect.node);
                     doubt(nullptr);
                   }
                   request->asking = redirect.asking;
                   request->node = std::move(redirect.node);
                   route(request, false);
                 },
                 [&](const CommandMachine::TryLater& later) {
                   counters->retried.add();
                   request->asking = false;
                   if (!request->pinned) request->node.reset();
                   put_off(request, later.delay);
                   if (later.doubt_map) doubt(from);
                 },
                 [&](CommandMachine::Finish) {},  // by whoever has the reply
                 [&](CommandMachine::GiveUp& up) {
                   finish(request, std::unexpected(std::move(up.failure)), counters->lost);
                 },
             },
             step);
}

void ClientCore::park(const RequestPtr& request) {
  if (parked_.size() >= access_->options.max_pending) return refuse(request);
  parked_.push_back(request);
  ask_for_map();
}

void ClientCore::put_off(const RequestPtr& request, Duration most) {
  if (put_off_ >= access_->options.max_pending) return refuse(request);
  ++put_off_;
  loop_.after(jittered(most, entropy_), [weak = weak_from_this(), request] {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    --self->put_off_;
    if (!request->is_done()) self->route(request, false);
  });
}

void ClientCore::refuse(const RequestPtr& request) {
  const bool maybe_executed = request->machine.on_deadline(false).maybe_executed;
  finish(request,
         std::unexpected(Failure{.error = {ErrorKind::overloaded,
                                           "Too many requests wait for the session store; try "
                                           "again later."},
                                 .maybe_executed = maybe_executed}),
         counters->refused);
}

void ClientCore::set_outcome(Request& request, Outcome outcome, Counter& how) {
  if (request.machine.persistence() == CommandMachine::Persistence::until_deadline) {
    how.add();
  }
  request.outcome = std::move(outcome);
}

void ClientCore::finish(const RequestPtr& request, Outcome outcome, Counter& how) {
  if (request->is_done()) return;
  // `request` may be the one among requests_, which goes.
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const RequestPtr kept = request;
  set_outcome(*kept, std::move(outcome), how);
  std::swap(requests_[kept->place], requests_.back());
  requests_[kept->place]->place = kept->place;
  requests_.pop_back();
  tell(*kept);
}

void ClientCore::count(const Pipeline::Completed& one, SteadyTime now) {
  if (one.request->machine.persistence() == CommandMachine::Persistence::once) return;
  const SteadyTime begun = one.request->deadline - access_->options.command_timeout;
  counters->durations.add(static_cast<uint64_t>(std::chrono::nanoseconds(now - begun).count()));
  if (one.reply.is_error()) {
    counters->count_error(one.reply.error_code());
  } else if (one.replicas < one.request->command.replicas) {
    counters->unconfirmed.add();
  }
}

void ClientCore::on_completed(const NodeAddress& node, std::vector<Pipeline::Completed> completed) {
  if (completed.empty()) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (Pipeline::Completed& one : completed) {
    if (one.request->is_done()) continue;
    count(one, now);
    auto step = one.request->machine.on_reply(one.reply, node);
    if (std::holds_alternative<CommandMachine::Finish>(step)) {
      finish(one.request, Answer{.reply = std::move(one.reply), .replicas = one.replicas},
             counters->answered);
    } else {
      act(one.request, std::move(step), &node);
    }
  }
}

void ClientCore::on_lost(const NodeAddress& node, bool was_open, Trouble why, Pipeline::Lost lost) {
  (was_open ? counters->lost_connections : counters->connects_failed).add();
  lone_ = false;  // what comes back may be a cluster
  trouble_ = Trouble{node.text() + ": " + why.reason, why.lasting};
  doubt(&node);
  on_completed(node, std::move(lost.completed));
  for (const RequestPtr& request : lost.sent) {
    if (!request->is_done()) act(request, request->machine.on_lost(), &node);
  }
  for (const RequestPtr& request : lost.unsent) {
    if (!request->is_done()) act(request, request->machine.on_unsent(), &node);
  }
}

void ClientCore::on_connected() { counters->connects.add(); }

void ClientCore::tick(SteadyTime now) {
  if (closed_) return;
  std::vector<RequestPtr> overdue;
  for (const RequestPtr& request : requests_) {
    if (now >= request->deadline) overdue.push_back(request);
  }
  std::erase_if(parked_, [&](const RequestPtr& request) { return now >= request->deadline; });
  std::vector<std::shared_ptr<Connection>> connections;
  for (const auto& [key, one] : connections_) connections.push_back(one);
  for (const RequestPtr& request : overdue) {
    finish(request, std::unexpected(request->machine.on_deadline(request->sent)),
           counters->timed_out);
  }
  for (const auto& one : connections) {
    // A server that hangs: its replica may have taken over.
    if (one->is_stalled(now)) doubt(&one->node());
    one->tick(now);
  }
  if (!requests_.empty() || map_) ask_for_map();
}

std::vector<RequestPtr> ClientCore::end() {
  closed_ = true;
  for (const auto& [key, one] : connections_) close(*one);
  connections_.clear();
  parked_.clear();
  std::vector<RequestPtr> waiting = std::exchange(requests_, {});
  for (const RequestPtr& request : waiting) {
    const bool maybe_executed = request->machine.on_deadline(request->sent).maybe_executed;
    set_outcome(*request, std::unexpected(closed_failure(maybe_executed)), counters->lost);
  }
  return waiting;
}

void ClientCore::close() {
  loop_.post([waiting = end()] {
    for (const RequestPtr& request : waiting) tell(*request);
  });
}

void ClientCore::abandon() { end(); }

// --- The map. ---

void ClientCore::doubt(const NodeAddress* because_of) {
  topology_.doubt(because_of);
  ask_for_map();
}

void ClientCore::ask_for_map() {
  if (closed_) return;
  const auto node = topology_.next(std::chrono::steady_clock::now(), map());
  if (node) ask(*node);
}

void ClientCore::ask(const NodeAddress& node) {
  Command question = lone_ ? Command(0, {"INFO", "replication"}) : Command(0, {"CLUSTER", "SLOTS"});
  RequestPtr request = made(std::move(question), CommandMachine::Persistence::once,
                            access_->options.command_timeout / kMapTimeoutDivisor);
  request->node = node;
  request->pinned = true;
  // Posted, because this may run in the middle of anything.
  request->on_done = [weak = weak_from_this(), self = std::weak_ptr(request), node] {
    const auto core = weak.lock();
    const auto done = self.lock();
    if (!core || !done) return;
    core->loop_.post([weak = std::weak_ptr(core), done, node] {
      if (const auto later = weak.lock()) later->on_map_reply(*done->outcome, node);
    });
  };
  route(request, true);
}

Result<SlotMap> ClientCore::map_of(const Outcome& outcome, const NodeAddress& asked) const {
  if (!outcome) return std::unexpected(outcome.error().error);
  const Reply& reply = outcome->reply;
  if (reply.is_error()) {
    if (is_no_cluster(reply)) {
      return failure(ErrorKind::store_unavailable,
                     "it is no part of a cluster, though store.redis.url names several servers");
    }
    return failure(ErrorKind::store_unavailable, "it said: " + reply.text);
  }
  if (lone_) return map_of_lone(reply, asked);
  auto map = SlotMap::from_reply(reply, asked);
  if (map && map->masters().empty()) {
    return failure(ErrorKind::store_unavailable, "it knows of no slot that is served");
  }
  return map;
}

// What a replica still shows is not what is: its master may be elsewhere, or it may be on its way
// to being empty. So nothing is asked of it.
Result<SlotMap> ClientCore::map_of_lone(const Reply& replication, const NodeAddress& asked) const {
  if (replication.text.contains("role:master")) return SlotMap::of_one(asked);
  return failure(ErrorKind::store_unavailable,
                 "it is a replica of another server; store.redis.url must name the master");
}

void ClientCore::on_map_reply(const Outcome& outcome, const NodeAddress& asked) {
  if (closed_) return;
  const auto now = std::chrono::steady_clock::now();
  const bool alone = access_->url.nodes.size() == 1 && access_->url.nodes.front() == asked;
  if (outcome && is_no_cluster(outcome->reply) && alone && !lone_) {
    lone_ = true;
    return ask(asked);
  }
  auto map = map_of(outcome, asked);
  if (!map) {
    if (lone_ && outcome) map_.reset();  // it is no master now
    topology_.on_no_map(now);
    // Without an answer, the connection's trouble says why.
    if (outcome) {
      trouble_ = Trouble{asked.text() + ": " + map.error().detail,
                         is_lasting(outcome->reply.error_code())};
    }
    // What kept the answer away was told by the connection.
    if (outcome && !std::exchange(no_map_told_, true)) {
      log_.write(LogLevel::warning, "redis.no_map", "A Redis server gave no map of its cluster.",
                 {{"node", asked.text()}, {"reason", map.error().detail}});
    }
    return ask_for_map();
  }
  no_map_told_ = false;
  trouble_.reset();
  topology_.on_map(now, lone_ ? kLonePeriod : TopologyMachine::kPeriod);
  counters->map_refreshes.add();
  const std::optional<SlotMap> before = std::exchange(map_, *std::move(map));
  if (before) leave_former_masters(*before);
  forget_other_nodes();
  for (const RequestPtr& request : std::exchange(parked_, {})) {
    if (request->is_done()) continue;
    request->for_map ? finish(request, Answer{}, counters->answered) : route(request, true);
  }
}

// --- Connections. ---

ClientCore::Way ClientCore::way_of(const Command& command, const NodeAddress& node) {
  return {.node = node,
          .lane = command.replicas > 0 ? Lane::replicated : Lane::plain,
          .number = command.writes ? 1 + command.slot % kConnectionsForWrites : 0};
}

Connection& ClientCore::connection(const Way& way) {
  auto& place = connections_[way];
  if (!place) {
    place = std::make_shared<Connection>(way.node, way.lane, loop_, access_, entropy_, log_,
                                         weak_from_this());
  }
  return *place;
}

void ClientCore::close(Connection& connection) {
  if (connection.is_open()) counters->closed_connections.add();
  connection.close();
}

size_t ClientCore::pending_for(const NodeAddress& node) const {
  size_t pending = 0;
  for (auto at = connections_.lower_bound({.node = node});
       at != connections_.end() && at->first.node == node; ++at) {
    pending += at->second->size();
  }
  return pending;
}

void ClientCore::leave_former_masters(const SlotMap& before) {
  std::vector<std::shared_ptr<Connection>> left;
  for (const auto& [way, one] : connections_) {
    const bool was = std::ranges::find(before.masters(), way.node) != before.masters().end();
    const bool is = std::ranges::find(map_->masters(), way.node) != map_->masters().end();
    if (was && !is) left.push_back(one);
  }
  for (const auto& one : left) one->give_up("it is no master any longer");
}

void ClientCore::forget_other_nodes() {
  std::erase_if(connections_, [&](const auto& entry) {
    const bool needed =
        entry.second->size() > 0 ||
        std::ranges::find(map_->masters(), entry.first.node) != map_->masters().end();
    if (!needed) close(*entry.second);
    return !needed;
  });
}

// --- The client. ---

Task<Outcome> ClusterClient::send(Command command) {
  Waiter waiter(core_->begin(std::move(command), nullptr));
  co_await waiter;
  co_return std::move(*waiter.request->outcome);
}

Task<std::expected<std::vector<NodeOutcome>, Failure>> ClusterClient::send_to_all_masters(
    Command command) {
  const auto core = core_;  // this client may be gone when the map comes
  {
    Waiter waiter(core->begin_map_wait());
    co_await waiter;
    if (!*waiter.request->outcome) co_return std::unexpected(waiter.request->outcome->error());
  }
  auto masters = core->map()->masters();
  std::ranges::sort(masters);
  std::vector<RequestPtr> requests;
  for (const NodeAddress& node : masters) requests.push_back(core->begin(command, &node));
  std::vector<NodeOutcome> outcomes;
  for (size_t i = 0; i < masters.size(); ++i) {
    Waiter waiter(requests[i]);
    co_await waiter;
    outcomes.push_back({std::move(masters[i]), std::move(*waiter.request->outcome)});
  }
  co_return outcomes;
}

std::unique_ptr<Client> make_client(net::Loop& loop, std::shared_ptr<const Access> access,
                                    Entropy& entropy, Log& log) {
  return std::make_unique<ClusterClient>(
      std::make_shared<ClientCore>(loop, std::move(access), entropy, log));
}

}  // namespace sojourn::redis
