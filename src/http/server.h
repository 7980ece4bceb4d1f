// An HTTP/1.1 listener (RFC 9110, RFC 9112) on one address.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "http/ip_address.h"
#include "http/observer.h"
#include "http/service.h"
#include "http/tls.h"
#include "net/loop.h"

namespace sojourn::http {

// Options http.* and admin.*. Every limit has an answer of its own; none loses a request
// silently.
struct ServerOptions {
  // HOST:PORT; an IPv6 host in brackets; port 0 picks a free one.
  std::string listen = "127.0.0.1:9092";
  // Connections open at once, over all loops. One more is answered 503 OVERLOADED when its request
  // begins, and closed.
  size_t max_connections = 10'000;
  // Of these, from one client address (of IPv6: from one /64), refused in the same way. Not of
  // `trusted_proxies`, whose connections are those of many clients. 0: no such limit.
  size_t max_connections_per_client = 1'000;
  // Connections over that limit, on each loop, that wait for their 503 to be read; more are closed
  // without it, so that being over the limit has a limit too.
  size_t max_turned_away = 64;
  // From the first byte of a request until the request is whole, body included; beyond it 408
  // REQUEST_TIMEOUT and close. Also the time a client may take for the TLS handshake. This is what
  // stops a client that sends a byte a second. A client that takes nothing of its answer for so
  // long is disconnected; so is one that takes less than 16 KiB of a long answer.
  Duration header_timeout = std::chrono::seconds(10);
  // A connection on which no request has begun is closed after this long, without a word.
  Duration idle_timeout = std::chrono::seconds(75);
  // Request line and header fields together; beyond it 431 HEADERS_TOO_LARGE and close.
  size_t max_header_bytes = 16 * 1024;
  // After chunked decoding; beyond it 413 BODY_TOO_LARGE and close.
  size_t max_body_bytes = 64 * 1024;
  // Bytes of answers that wait for slow clients, over all connections. Each connection may hold an
  // answer of 64 KiB, and as much that is pipelined; a longer answer to a GET or HEAD that does not
  // fit in here is 503 OVERLOADED, and a stream is cut. Other methods' answers are never refused:
  // what they say is done already.
  size_t max_unsent_bytes = 64 * 1024 * 1024;
  // Whose Forwarded and X-Forwarded-For say who the client is; see client_address.h.
  std::vector<IpNetwork> trusted_proxies = {};
  TlsOptions tls;
};

// Options made ready for use: the files that they name are read.
struct ServerSetup {
  ServerOptions options;
  std::shared_ptr<const TlsContext> tls = nullptr;  // plain HTTP

  // The error is invalid_parameter with a sentence that names the file.
  static Result<ServerSetup> make(ServerOptions options);
};

// Accepts connections on every loop (SO_REUSEPORT) and serves each on the loop that accepted it.
class Server {
 public:
  // Binds and listens. `service_of` is asked once per loop, here, for the service that answers that
  // loop's requests; the services must outlive the server. An address that is taken or cannot be
  // bound is invalid_parameter with a sentence that names it. Call before the loops start or while
  // they run. `observer_of` is asked in the same way for who watches that loop's requests; null:
  // nobody.
  static Result<std::unique_ptr<Server>> listen(
      const ServerSetup& setup, const std::vector<net::Loop*>& loops,
      std::function<Service&(size_t loop)> service_of,
      std::function<Observer*(size_t loop)> observer_of = [](size_t) -> Observer* {
        return nullptr;
      });
  // Call once drained, or after the loops have stopped.
  ~Server();

  // Where it listens, with the port that was picked: "127.0.0.1:9092".
  const std::string& address() const;

  // Goes on with another setup: time-outs at once, the rest for connections accepted from now on;
  // those that are open stay as they are. The address stays. Returns at once; from any thread.
  void reload(const ServerSetup& setup);

  // Graceful end: accepts no more, closes idle connections, lets requests in flight finish and
  // closes each connection after the answer in progress (with Connection: close where the header is
  // not sent yet). Returns at once; from any thread; once.
  void drain();

  // Waits until the last connection is closed; false when `limit` passed first. Not from a loop.
  bool wait_until_drained(Duration limit);

  // Connections open now; accepted since the start; and of these turned away, because there were
  // too many, or too many of one client. From any thread.
  size_t open_connections() const;
  uint64_t accepted_connections() const;
  uint64_t turned_away_connections() const;
  uint64_t turned_away_clients() const;

  // Bytes of answers that wait for clients to take them now; answers and streams that were refused
  // because of max_unsent_bytes since the start; and connections closed because the client did not
  // take its answer. From any thread.
  size_t unsent_bytes() const;
  uint64_t unsent_refusals() const;
  uint64_t stalled_connections() const;

  // Times that a connection could not be accepted, for want of descriptors or memory, since the
  // start, and why the last time (an errno; 0: never). From any thread.
  uint64_t failed_accepts() const;
  int last_accept_error() const;

  // Of the setup in force. From any thread.
  size_t max_connections() const;
  size_t max_unsent_bytes() const;
  std::optional<std::chrono::sys_seconds> certificate_not_after() const;  // nothing: no TLS

 private:
  struct Impl;
  explicit Server(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sojourn::http
