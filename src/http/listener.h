// The part of a Server that lives on one loop: it accepts there and knows the connections there.
// No Asio in this header.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>

#include "connections_by_client.h"
#include "http/server.h"
#include "http/service.h"
#include "listening_socket.h"
#include "net/loop.h"
#include "unsent_budget.h"

namespace sojourn::http {

// What the listeners of one server share. Any thread.
class ServerState {
 public:
  // A place among `most` connections that are served; false when there is none.
  bool take_place(size_t most);
  void give_place_back() { served_.fetch_sub(1, std::memory_order_relaxed); }

  // Connections (served or being refused) and listeners that are not ended: what a drain waits for.
  void opened() { open_.fetch_add(1, std::memory_order_relaxed); }
  void closed();
  bool wait_until_closed(Duration limit);

  std::atomic<size_t> connections = 0;  // open now
  std::atomic<uint64_t> accepted = 0;   // since the start, as is the next
  std::atomic<uint64_t> turned_away = 0;
  std::atomic<uint64_t> turned_away_clients = 0;
  std::atomic<uint64_t> unsent_refusals = 0;
  std::atomic<uint64_t> stalled = 0;
  std::atomic<uint64_t> failed_accepts = 0;
  std::atomic<int> last_accept_error = 0;
  // Descriptors held in reserve that are missing for now; see Listener::Accepting.
  std::atomic<int> reserves_lent = 0;

  ConnectionsByClient by_client;
  UnsentBudget unsent;

  // What monitoring is shown of the setup in force.
  void show(const ServerSetup& setup);
  static constexpr int64_t kNoCertificate = std::numeric_limits<int64_t>::min();
  std::atomic<size_t> max_connections = 0;
  std::atomic<size_t> max_unsent_bytes = 0;
  std::atomic<int64_t> certificate_not_after = kNoCertificate;  // Unix seconds

 private:
  std::atomic<size_t> served_ = 0;
  std::atomic<size_t> open_ = 0;
  std::mutex mutex_;
  std::condition_variable none_open_;
};

enum class Admission {
  granted,           // serve it; the connection gives its place back when it ends
  refused,           // there is no place for it: answer 503 and close
  refused_to_client  // the same, because its client has too many
};

// A connection that was accepted.
struct Arrival {
  IpAddress peer;
  Admission admission = Admission::granted;
  // When granted: it is among those of its client. Not so of a trusted proxy.
  bool counted_by_client = false;
};

// Lives as long as its accepting coroutine or one of its connections does. Loop's thread only,
// except start(), drain() and reload().
class Listener final : public std::enable_shared_from_this<Listener> {
 public:
  // A connection, as its listener sees it: a link in a list, with a deadline.
  class Connection {
   public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;
    // The deadline has passed. Called at every tick until it is moved.
    virtual void on_deadline() = 0;
    // The listener drains from now on.
    virtual void on_drain() = 0;

    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();

   private:
    friend class Listener;
    Connection* previous_ = nullptr;
    Connection* next_ = nullptr;
  };

  // Begins to accept on `socket`, now or when the loop starts.
  static std::shared_ptr<Listener> start(net::Loop& loop, FileDescriptor socket, bool ipv6,
                                         Service& service, Observer* observer, ServerSetup setup,
                                         std::shared_ptr<ServerState> state);
  Listener(net::Loop& loop, Service& service, Observer* observer, ServerSetup setup,
           std::shared_ptr<ServerState> state);
  ~Listener();

  // Accepts no more and ends the connections as Server::drain says. Any thread.
  void drain();

  // Goes on with `setup`, as Server::reload says. Any thread.
  void reload(ServerSetup setup);

  // Decides who is served, and counts the place that this takes.
  Arrival admit(const IpAddress& peer);

  void add(Connection& connection);
  void remove(Connection& connection);

  net::Loop::Impl& loop() { return loop_.impl(); }
  Service& service() { return service_; }
  Observer* observer() { return observer_; }  // null: nobody watches
  ServerState& state() { return *state_; }
  // May be others after every wait.
  const ServerOptions& options() const { return setup_.options; }
  const TlsContext* tls() const { return setup_.tls.get(); }
  bool draining() const { return draining_; }
  // The header lines that every answer has, with the Date as of the last tick.
  const std::string& common_fields() const { return common_fields_; }

  // Connections being told that there are too many; see ServerOptions::max_turned_away.
  size_t turned_away = 0;

 private:
  struct Accepting;  // the Asio part, in listener.cc

  void tick(std::chrono::steady_clock::time_point now);

  net::Loop& loop_;
  Service& service_;
  Observer* const observer_;
  ServerSetup setup_;
  const std::shared_ptr<ServerState> state_;
  Connection* first_ = nullptr;
  bool draining_ = false;
  std::chrono::sys_seconds date_;
  std::string common_fields_;
  Accepting* accepting_ = nullptr;  // null before it began and after it ended
  std::shared_ptr<void> ticking_;
};

// A connection's place in the counts of its server, as long as it lives. Loop's thread only.
class Place {
 public:
  Place(Listener& listener, const Arrival& arrival);
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place();

 private:
  Listener& listener_;
  const Arrival arrival_;
};

}  // namespace sojourn::http
