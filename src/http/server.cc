#include "http/server.h"

#include "listener.h"
#include "listening_socket.h"

namespace sojourn::http {

struct Server::Impl {
  std::string address;
  std::shared_ptr<ServerState> state;
  std::vector<std::shared_ptr<Listener>> listeners;  // one per loop
};

Result<ServerSetup> ServerSetup::make(ServerOptions options) {
  ServerSetup setup{.options = std::move(options)};
  if (setup.options.tls.enabled()) {
    auto tls = TlsContext::load(setup.options.tls);
    if (!tls) return std::unexpected(tls.error());
    setup.tls = *std::move(tls);
  }
  return setup;
}

Result<std::unique_ptr<Server>> Server::listen(const ServerSetup& setup,
                                               const std::vector<net::Loop*>& loops,
                                               std::function<Service&(size_t loop)> service_of,
                                               std::function<Observer*(size_t loop)> observer_of) {
  auto opened = open_listening_sockets(setup.options.listen, loops.size());
  if (!opened) return std::unexpected(opened.error());
  auto impl = std::make_shared<Impl>();
  impl->address = opened->address;
  impl->state = std::make_shared<ServerState>();
  impl->state->show(setup);
  for (size_t i = 0; i < loops.size(); ++i) {
    impl->listeners.push_back(Listener::start(*loops[i], std::move(opened->sockets[i]),
                                              opened->ipv6, service_of(i), observer_of(i), setup,
                                              impl->state));
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() = default;

const std::string& Server::address() const { return impl_->address; }

void Server::reload(const ServerSetup& setup) {
  impl_->state->show(setup);
  for (const auto& listener : impl_->listeners) listener->reload(setup);
}

void Server::drain() {
  for (const auto& listener : impl_->listeners) listener->drain();
}

bool Server::wait_until_drained(Duration limit) { return impl_->state->wait_until_closed(limit); }

size_t Server::open_connections() const {
  return impl_->state->connections.load(std::memory_order_relaxed);
}

uint64_t Server::accepted_connections() const {
  return impl_->state->accepted.load(std::memory_order_relaxed);
}

uint64_t Server::turned_away_connections() const {
  return impl_->state->turned_away.load(std::memory_order_relaxed);
}

uint64_t Server::turned_away_clients() const {
  return impl_->state->turned_away_clients.load(std::memory_order_relaxed);
}

size_t Server::unsent_bytes() const { return impl_->state->unsent.held(); }

uint64_t Server::unsent_refusals() const {
  return impl_->state->unsent_refusals.load(std::memory_order_relaxed);
}

uint64_t Server::stalled_connections() const {
  return impl_->state->stalled.load(std::memory_order_relaxed);
}

uint64_t Server::failed_accepts() const {
  return impl_->state->failed_accepts.load(std::memory_order_relaxed);
}

int Server::last_accept_error() const {
  return impl_->state->last_accept_error.load(std::memory_order_relaxed);
}

size_t Server::max_connections() const {
  return impl_->state->max_connections.load(std::memory_order_relaxed);
}

size_t Server::max_unsent_bytes() const {
  return impl_->state->max_unsent_bytes.load(std::memory_order_relaxed);
}

std::optional<std::chrono::sys_seconds> Server::certificate_not_after() const {
  const auto time = impl_->state->certificate_not_after.load(std::memory_order_relaxed);
  if (time == ServerState::kNoCertificate) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(time));
}

}  // namespace sojourn::http
