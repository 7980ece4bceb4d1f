#include "listener.h"

#include <fcntl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "client_address.h"
#include "connection.h"
#include "net/loop_impl.h"
#include "response_writer.h"

namespace sojourn::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using LoopExecutor = net::Loop::Impl::Executor;
constexpr asio::as_tuple_t<asio::use_awaitable_t<LoopExecutor>> kResume{};

// After an error like "no buffer space" accepting would fail again at once, and spin.
constexpr std::chrono::milliseconds kPauseAfterError{100};
// Connections that the kernel had accepted when a drain began.
constexpr size_t kMaxLastAccepted = 1024;

// Holds a place in the table of descriptors.
FileDescriptor reserve_descriptor() {
  return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

bool ServerState::take_place(size_t most) {
  if (served_.fetch_add(1, std::memory_order_relaxed) < most) return true;
  give_place_back();
  return false;
}

void ServerState::closed() {
  if (open_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::lock_guard lock(mutex_);
  none_open_.notify_all();
}

bool ServerState::wait_until_closed(Duration limit) {
  std::unique_lock lock(mutex_);
  return none_open_.wait_for(lock, limit,
                             [&] { return open_.load(std::memory_order_acquire) == 0; });
}

void ServerState::show(const ServerSetup& setup) {
  max_connections = setup.options.max_connections;
  max_unsent_bytes = setup.options.max_unsent_bytes;
  certificate_not_after =
      setup.tls ? setup.tls->not_after().time_since_epoch().count() : kNoCertificate;
}

// Its memory is the accepting coroutine's.
struct Listener::Accepting {
  Accepting(std::shared_ptr<Listener> owner, asio::basic_socket_acceptor<tcp, LoopExecutor> from)
      : listener(std::move(owner)), acceptor(std::move(from)), reserve(reserve_descriptor()) {
    listener->accepting_ = this;
    listener->state_->opened();
    if (reserve.get() < 0) ++listener->state_->reserves_lent;
  }
  ~Accepting() {
    if (reserve.get() < 0) --listener->state_->reserves_lent;
    listener->accepting_ = nullptr;
    listener->state_->closed();
  }

  asio::awaitable<void, LoopExecutor> run() {
    net::Loop::Impl::SteadyTimer pause(acceptor.get_executor());
    while (acceptor.is_open()) {
      auto [error, socket] = co_await acceptor.async_accept(peer, kResume);
      if (!error && listener->state_->reserves_lent == 0) {
        welcome(std::move(socket), peer);
        continue;
      }
      if (error == asio::error::operation_aborted || error == asio::error::connection_aborted) {
        continue;
      }
      auto closing = Closing::failed;
      if (!error) {
        closing = return_to_reserve(std::move(socket));
      } else if (error.value() == EMFILE || error.value() == ENFILE) {
        closing = close_first_in_line();
      }
      if (closing == Closing::nobody_waits) {
        co_await acceptor.async_wait(acceptor.wait_read, kResume);
        continue;
      }
      listener->state_->failed_accepts.fetch_add(1, std::memory_order_relaxed);
      listener->state_->last_accept_error = error ? error.value() : EMFILE;
      if (closing == Closing::closed) continue;
      pause.expires_after(kPauseAfterError);
      co_await pause.async_wait(kResume);
    }
  }

  // Without a descriptor for it, a client would wait in the kernel's queue and hear nothing. So
  // each listener holds one in reserve, to accept and close the first client of its queue. A
  // connection that another loop accepts meanwhile may have taken that descriptor: it is closed
  // too.
  enum class Closing { closed, nobody_waits, failed };

  Closing close_first_in_line() {
    if (!has_reserve()) return Closing::failed;
    ++listener->state_->reserves_lent;
    reserve.reset();
    boost::system::error_code error;
    acceptor.non_blocking(true, error);
    if (!error) acceptor.accept(error);
    reserve = reserve_descriptor();
    if (reserve.get() >= 0) --listener->state_->reserves_lent;
    // accept(2) fails for want of a descriptor before it looks whether there is a client.
    if (error == asio::error::would_block) return Closing::nobody_waits;
    return error ? Closing::failed : Closing::closed;
  }

  Closing return_to_reserve(Socket socket) {
    boost::system::error_code error;
    socket.close(error);
    return has_reserve() ? Closing::closed : Closing::failed;
  }

  // Takes one again if it was lost.
  bool has_reserve() {
    if (reserve.get() >= 0) return true;
    reserve = reserve_descriptor();
    if (reserve.get() < 0) return false;
    --listener->state_->reserves_lent;
    return true;
  }

  void welcome(Socket socket, const tcp::endpoint& from) {
    const auto address = from.address();
    const Arrival arrival =
        listener->admit(address.is_v4() ? IpAddress::of(address.to_v4().to_bytes())
                                        : IpAddress::of(address.to_v6().to_bytes()));
    if (arrival.admission == Admission::granted ||
        listener->turned_away < listener->options().max_turned_away) {
      serve(std::move(socket), listener, arrival);
    }
  }

  // What the kernel accepted for us gets its chance: closing the acceptor would reset it.
  void end() {
    boost::system::error_code error;
    acceptor.non_blocking(true, error);
    for (size_t i = 0; !error && i < kMaxLastAccepted; ++i) {
      auto socket = acceptor.accept(peer, error);
      if (!error) welcome(std::move(socket), peer);
    }
    acceptor.close(error);
  }

  std::shared_ptr<Listener> listener;
  asio::basic_socket_acceptor<tcp, LoopExecutor> acceptor;
  tcp::endpoint peer;  // of the last that was accepted
  FileDescriptor reserve;
};

std::shared_ptr<Listener> Listener::start(net::Loop& loop, FileDescriptor socket, bool ipv6,
                                          Service& service, Observer* observer, ServerSetup setup,
                                          std::shared_ptr<ServerState> state) {
  class Sweeper final : public net::Ticking {
   public:
    explicit Sweeper(Listener& listener) : listener_(listener) {}
    void tick(net::SteadyTime now) override { listener_.tick(now); }

   private:
    Listener& listener_;
  };

  auto listener =
      std::make_shared<Listener>(loop, service, observer, std::move(setup), std::move(state));
  auto sweeper = std::make_shared<Sweeper>(*listener);
  listener->ticking_ = sweeper;
  loop.post([ticking = std::weak_ptr<net::Ticking>(sweeper), impl = &loop.impl()] {
    impl->tickings.push_back(ticking);
  });

  asio::basic_socket_acceptor<tcp, LoopExecutor> acceptor(loop.impl().context);
  acceptor.assign(ipv6 ? tcp::v6() : tcp::v4(), socket.release());
  auto accepting = std::make_unique<Accepting>(listener, std::move(acceptor));
  asio::co_spawn(
      loop.impl().context, [accepting = std::move(accepting)] { return accepting->run(); },
      asio::detached);
  return listener;
}

Listener::Listener(net::Loop& loop, Service& service, Observer* observer, ServerSetup setup,
                   std::shared_ptr<ServerState> state)
    : loop_(loop),
      service_(service),
      observer_(observer),
      setup_(std::move(setup)),
      state_(std::move(state)) {
  tick(net::SteadyTime::min());  // nothing is due yet, but answers need their fields
}

Listener::~Listener() = default;

// The wall clock is read for the Date field alone, which tells clients and caches the time of this
// machine (RFC 9110 6.6.1).
void Listener::tick(net::SteadyTime now) {
  const auto date = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (date != date_ || common_fields_.empty()) {
    date_ = date;
    write_common_fields(common_fields_, date);
  }
  Connection* next = nullptr;
  for (Connection* c = first_; c != nullptr; c = next) {
    next = c->next_;
    if (c->deadline <= now) c->on_deadline();
  }
}

void Listener::drain() {
  loop_.post([self = shared_from_this()] {
    self->draining_ = true;
    if (self->accepting_ != nullptr) self->accepting_->end();
    Connection* next = nullptr;
    for (Connection* c = self->first_; c != nullptr; c = next) {
      next = c->next_;
      c->on_drain();
    }
  });
}

void Listener::reload(ServerSetup setup) {
  loop_.post([self = shared_from_this(), setup = std::move(setup)]() mutable {
    self->setup_ = std::move(setup);
  });
}

void Listener::add(Connection& connection) {
  connection.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &connection;
  first_ = &connection;
}

void Listener::remove(Connection& connection) {
  if (connection.previous_ != nullptr) {
    connection.previous_->next_ = connection.next_;
  } else {
    first_ = connection.next_;
  }
  if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
}

Arrival Listener::admit(const IpAddress& peer) {
  state_->accepted.fetch_add(1, std::memory_order_relaxed);
  if (!state_->take_place(options().max_connections)) {
    state_->turned_away.fetch_add(1, std::memory_order_relaxed);
    return {peer, Admission::refused};
  }
  if (is_trusted(peer, options().trusted_proxies)) return {peer, Admission::granted};
  if (!state_->by_client.take(peer, options().max_connections_per_client)) {
    state_->give_place_back();
    state_->turned_away_clients.fetch_add(1, std::memory_order_relaxed);
    return {peer, Admission::refused_to_client};
  }
  return {peer, Admission::granted, true};
}

Place::Place(Listener& listener, const Arrival& arrival) : listener_(listener), arrival_(arrival) {
  listener_.state().opened();
  listener_.state().connections.fetch_add(1, std::memory_order_relaxed);
  if (arrival_.admission != Admission::granted) ++listener_.turned_away;
}

Place::~Place() {
  if (arrival_.admission != Admission::granted) {
    --listener_.turned_away;
  } else {
    if (arrival_.counted_by_client) listener_.state().by_client.give_back(arrival_.peer);
    listener_.state().give_place_back();
  }
  listener_.state().connections.fetch_sub(1, std::memory_order_relaxed);
  listener_.state().closed();
}

}  // namespace sojourn::http
