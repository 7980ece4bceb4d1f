#include "connection.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <optional>

#include "backoff.h"
#include "net/loop_impl.h"
#include "resp.h"

namespace sojourn::redis {
namespace {

// After this part of the time that a reply may take, it is late.
constexpr int kStalledDivisor = 2;

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using Executor = net::Loop::Impl::Executor;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using TlsStream = asio::ssl::stream<Socket>;
using Resolver = asio::ip::basic_resolver<tcp, Executor>;

constexpr size_t kReadBytes = 32 * 1024;
// One write; the rest waits for the next one.
constexpr size_t kWriteBytes = 256 * 1024;

// Between two questions of an idle connection whether the other side is still there, and how long
// it may leave bytes unacknowledged.
constexpr int kKeepaliveSeconds = 15;
constexpr int kKeepaliveProbes = 3;

// Best effort: without them a dead server is found out later.
void set_options(Socket& socket, Duration unacknowledged) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = socket.native_handle();
  const auto set = [fd](int option, int value) {
    ::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, kKeepaliveSeconds);
  set(TCP_KEEPINTVL, kKeepaliveSeconds);
  set(TCP_KEEPCNT, kKeepaliveProbes);
  set(TCP_USER_TIMEOUT, static_cast<int>(unacknowledged.count()));
}

}  // namespace

// What one attempt to connect is made of. Handlers keep it alive, and find out by comparing that
// their connection has moved on.
struct Connection::Link {
  Link(const Executor& executor, asio::ssl::context* context)
      : resolver(executor), socket(executor) {
    if (context != nullptr) tls.emplace(Socket(executor), *context);
  }

  Socket& tcp_socket() { return tls ? tls->next_layer() : socket; }

  template <class Do>
  void with_stream(Do&& what) {
    tls ? what(*tls) : what(socket);
  }

  void close() {
    error_code ignored;
    resolver.cancel();
    tcp_socket().close(ignored);
  }

  Resolver resolver;
  Socket socket;  // without TLS
  std::optional<TlsStream> tls;
  std::string out;
  std::array<char, kReadBytes> in{};
  ReplyReader reader;
};

Connection::Connection(NodeAddress node, Lane lane, net::Loop& loop,
                       std::shared_ptr<const Access> access, Entropy& entropy, Log& log,
                       std::weak_ptr<ConnectionOwner> owner)
    : node_(std::move(node)),
      loop_(loop),
      access_(std::move(access)),
      entropy_(entropy),
      log_(log),
      owner_(std::move(owner)),
      longest_reply_(access_->options.command_timeout +
                     (lane == Lane::replicated ? access_->options.wait_timeout : Duration::zero())),
      machine_(access_->credentials, "sojourn"),
      pipeline_(lane, access_->options.wait_timeout) {}

Connection::~Connection() = default;

void Connection::add(RequestPtr request) {
  if (closed_) return;
  pipeline_.add(std::move(request));
  if (std::holds_alternative<ConnectMachine::Open>(machine_.want())) open();
  flush_soon();
}

void Connection::tick(SteadyTime now) {
  if (!link_) return;
  if (machine_.is_connecting()) {
    if (now >= open_until_) fail({"it took too long"});
  } else if (const auto since = pipeline_.waiting_since();
             since && now >= *since + longest_reply_) {
    fail({"it left a command without a reply"});
  }
}

bool Connection::is_stalled(SteadyTime now) const {
  const auto since = pipeline_.waiting_since();
  return link_ && since && now >= *since + longest_reply_ / kStalledDivisor;
}

void Connection::give_up(std::string_view reason) {
  if (link_) fail({std::string(reason)});
}

void Connection::close() {
  closed_ = true;
  if (link_) link_->close();
  link_.reset();
}

void Connection::open() {
  Executor executor = loop_.impl().context.get_executor();
  // A context is only read from when connections are made of it; Asio takes it as if it were not.
  link_ = std::make_shared<Link>(executor, access_->tls.get());
  open_until_ = std::chrono::steady_clock::now() + access_->options.connect_timeout;
  error_code no_literal;
  const auto literal = asio::ip::make_address(node_.host, no_literal);
  if (!no_literal) return connect(link_, std::array{tcp::endpoint(literal, node_.port)});
  link_->resolver.async_resolve(
      node_.host, std::to_string(node_.port),
      [self = shared_from_this(), link = link_](error_code error, const auto& found) {
        if (self->link_ != link) return;
        if (error) return self->fail({"its name was not found: " + error.message()});
        self->connect(link, found);
      });
}

template <class Endpoints>
void Connection::connect(const std::shared_ptr<Link>& link, const Endpoints& endpoints) {
  asio::async_connect(link->tcp_socket(), endpoints,
                      [self = shared_from_this(), link](error_code error, const auto&) {
                        if (self->link_ != link) return;
                        if (error) return self->fail({error.message()});
                        set_options(link->tcp_socket(), self->access_->options.command_timeout);
                        link->tls ? self->shake_hands(link) : self->greet(link);
                      });
}

void Connection::shake_hands(const std::shared_ptr<Link>& link) {
  SSL* const ssl = link->tls->native_handle();
  error_code is_name;
  asio::ip::make_address(node_.host, is_name);
  if (is_name) SSL_set_tlsext_host_name(ssl, node_.host.c_str());
  if (access_->options.verify == TlsVerify::full) {
    X509_VERIFY_PARAM* const checks = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = is_name ? X509_VERIFY_PARAM_set1_host(checks, node_.host.c_str(), 0)
                            : X509_VERIFY_PARAM_set1_ip_asc(checks, node_.host.c_str());
    if (set != 1) return fail({"no certificate can be for this name", true});
  }
  link->tls->async_handshake(
      asio::ssl::stream_base::client, [self = shared_from_this(), link, ssl](error_code error) {
        if (self->link_ != link) return;
        if (!error) return self->greet(link);
        std::string reason = "no TLS: " + error.message();
        if (const long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK) {
          reason += std::string("; its certificate: ") + X509_verify_cert_error_string(verdict);
        }
        // OpenSSL's own verdicts, unlike what the network does to a handshake, stay what they are.
        self->fail({std::move(reason), error.category() == asio::error::get_ssl_category()});
      });
}

void Connection::greet(const std::shared_ptr<Link>& link) {
  const auto step = machine_.on_open();
  link->out = std::get<ConnectMachine::Greet>(step).bytes;
  flushing_ = true;
  write(link);
  read(link);
}

void Connection::flush_soon() {
  if (flushing_ || !machine_.is_ready()) return;
  flushing_ = true;
  asio::post(loop_.impl().context, [self = shared_from_this(), link = link_] {
    if (self->link_ == link) self->flush();
  });
}

void Connection::flush() {
  link_->out.clear();
  flushing_ = machine_.is_ready() &&
              pipeline_.write(link_->out, kWriteBytes, std::chrono::steady_clock::now());
  if (flushing_) write(link_);
}

void Connection::write(const std::shared_ptr<Link>& link) {
  link->with_stream([&](auto& stream) {
    asio::async_write(stream, asio::buffer(link->out),
                      [self = shared_from_this(), link](error_code error, size_t) {
                        if (self->link_ != link) return;
                        if (error) return self->fail({error.message()});
                        self->flush();
                      });
  });
}

void Connection::read(const std::shared_ptr<Link>& link) {
  link->with_stream([&](auto& stream) {
    stream.async_read_some(asio::buffer(link->in),
                           [self = shared_from_this(), link](error_code error, size_t size) {
                             if (self->link_ != link) return;
                             if (error) return self->fail({"it was closed: " + error.message()});
                             self->on_bytes(link, size);
                           });
  });
}

void Connection::on_bytes(const std::shared_ptr<Link>& link, size_t size) {
  link->reader.feed(std::string_view(link->in.data(), size));
  std::vector<Pipeline::Completed> completed;
  std::optional<Trouble> wrong = take_replies(*link, completed);
  // Whoever is told of it may add, or close this connection.
  if (const auto owner = owner_.lock(); owner && !completed.empty()) {
    owner->on_completed(node_, std::move(completed));
  }
  if (link_ != link) return;
  if (wrong) return fail(*std::move(wrong));
  if (pipeline_.has_unsent()) flush_soon();
  read(link);
}

std::optional<Trouble> Connection::take_replies(Link& link,
                                                std::vector<Pipeline::Completed>& completed) {
  const SteadyTime now = std::chrono::steady_clock::now();
  for (;;) {
    auto reply = link.reader.next();
    if (!reply) return Trouble{reply.error().detail};
    if (!*reply) return std::nullopt;
    if (machine_.is_ready()) {
      if (!pipeline_.on_reply(**std::move(reply), now, completed)) {
        return Trouble{"it sent a reply to no command"};
      }
      continue;
    }
    const bool had_failed = machine_.failures() > 0;
    auto step = machine_.on_reply(**reply);
    if (auto* refused = std::get_if<ConnectMachine::Refused>(&step)) {
      return std::move(refused->why);
    }
    if (!machine_.is_ready()) continue;
    if (had_failed) {
      log_.write(LogLevel::info, "redis.connected", "Connected to a Redis server again.",
                 {{"node", node_.text()}});
    }
    if (const auto owner = owner_.lock()) owner->on_connected();
  }
}

void Connection::fail(Trouble why) {
  const auto self = shared_from_this();
  ERR_clear_error();
  link_->close();
  link_.reset();
  flushing_ = false;
  const bool first = machine_.failures() == 0;
  const bool was_ready = machine_.is_ready();
  const auto pause = machine_.on_failure();
  if (first) {
    log_.write(LogLevel::warning, was_ready ? "redis.connection_lost" : "redis.connect_failed",
               was_ready ? "The connection to a Redis server broke; it is opened again."
                         : "Cannot connect to a Redis server; this is tried again.",
               {{"node", node_.text()}, {"reason", why.reason}});
  }
  loop_.after(jittered(pause.delay, entropy_), [weak = weak_from_this()] {
    if (const auto connection = weak.lock()) connection->machine_.on_pause_over();
  });
  Pipeline::Lost lost = pipeline_.on_lost();
  if (const auto owner = owner_.lock())
    owner->on_lost(node_, was_ready, std::move(why), std::move(lost));
}

}  // namespace sojourn::redis
