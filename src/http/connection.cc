// One coroutine serves one connection, in rounds: answer every request that is whole, send all
// these answers with one write, read again. The usual round costs one read and one write and
// allocates nothing that is not reused.
//
// A service that waits suspends the coroutine. The answers made before it are sent first: they are
// durable and their clients should not wait for another request's disk write. The write that this
// costs is small beside what is being waited for.
//
// The coroutine never ends while a service's Task waits, whatever the client does: whoever resumes
// the Task must find it. If the loop itself is stopped meanwhile, the Task is left in memory.
//
// Time-outs need no timer per operation: the connection notes a deadline, the listener looks at it
// a few times a second and calls on_deadline(), which cancels the operation that is under way.
//
// An answer with a stream is the last of its connection: see connection_stream.cc.
//
// The socket is touched in the section "Transport" alone, and there alone it matters whether there
// is TLS. The plain road pays one look at a pointer for it.
#include "connection.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <limits>

#include "client_address.h"
#include "client_connection.h"

// g++ 12 takes Asio's own frame allocation, once inlined, for a mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sojourn::http {

namespace asio = boost::asio;
using boost::system::error_code;
using Executor = net::Loop::Impl::Executor;

namespace {

constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> kResumeWithError{};

// Lingering close: a client that is still sending must be read from, or the reset that answers its
// bytes would destroy the answer on its way (RFC 9112 9.6). For so long and so many bytes.
constexpr std::chrono::seconds kLingerTime{2};
constexpr size_t kLingerBytes = 8 * 1024 * 1024;
// How long a connection over the limit may take to begin its request.
constexpr std::chrono::seconds kTurnedAwayTime{2};
// A client that is slow but reads takes at least so much of its answer within header_timeout.
constexpr size_t kLeastTaken = 16 * 1024;
// How much the kernel may hold that is not on its way yet. Without this limit it takes megabytes of
// an answer that nobody reads, where no budget counts them.
constexpr int kMostInKernel = 2 * kMaxGathered;

void set_tcp_option(Socket& socket, int option, int value) {
  setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
}

}  // namespace

Awaitable<void> ClientConnection::run() {
  prepare();
  deadline = now() + options().header_timeout;
  if (tls_ && !co_await handshake()) co_return;
  deadline = now() + options().idle_timeout;
  if (admission_ != Admission::granted && !closing_ && !co_await turn_away()) co_return;

  for (;;) {
    // Answer.
    if (listener_->observer()) answer_begun_ = std::chrono::steady_clock::now();
    auto state = RequestReader::State::request;
    while (!closing_ && !body_apart_ && out_.size() < kMaxGathered) {
      state = reader_.next();
      if (state == RequestReader::State::needs_more) break;
      if (state == RequestReader::State::refused) {
        append_refusal(reader_.error());
        break;
      }
      begin_answer();
      if (waiting_) {
        bool sent = true;
        if (!out_.empty() && !send_at_once()) sent = co_await send_rest();
        if (waiting_) co_await until_task_done();
        if (!sent) co_return;
      }
      end_answer();
    }
    if (state == RequestReader::State::needs_more && reader_.take_continue())
      out_.append("HTTP/1.1 100 Continue\r\n\r\n");

    // Send.
    if (!out_.empty() && !send_at_once()) {
      const bool sent = co_await send_rest();
      if (!sent) co_return;
    }
    if (body_apart_) {
      out_.swap(response_.body);
      bool sent = send_at_once();
      if (!sent) sent = co_await send_rest();
      body_apart_ = false;
      unsent_.release();
      if (!sent) co_return;
    }
    if (closing_) break;
    if (state != RequestReader::State::needs_more) continue;

    // Read.
    begin_phase();
    if (listener_->draining() && !reader_.begun()) {
      // Its bytes may be here already, though no read has brought them.
      const size_t bytes = receive_at_once();
      if (bytes == 0) co_return;
      reader_.received(bytes);
      continue;
    }
    reading_ = true;
    const auto [error, bytes] = co_await receive();
    reading_ = false;
    if (after_read(error, bytes) == AfterRead::over) co_return;
  }

  if (response_.stream) {
    const bool whole = co_await send_stream();
    if (!whole) co_return;
  }
  if (must_linger_) co_await linger();
}

// --- Answers

// Starts the service. Afterwards either waiting_, or task_ is done.
void ClientConnection::begin_answer() {
  response_.reset();
  try {
    Request& request = reader_.request();
    request.scheme = tls_ ? Scheme::https : Scheme::http;
    const auto& proxies = options().trusted_proxies;
    request.client = proxies.empty() ? peer_ : client_address(peer_, request.fields, proxies);
    task_.emplace(listener_->service().handle(request, response_));
    waiting_ = !task_->start(&on_task_done, this);
  } catch (...) {
    task_.reset();  // handle() itself threw
    fill_refusal({ErrorKind::internal, "The server failed to answer; try again later."});
  }
}

void ClientConnection::on_task_done(void* self) {
  auto& connection = *static_cast<ClientConnection*>(self);
  connection.waiting_ = false;
  if (!connection.task_waiter_) return;  // run() is still sending earlier answers
  auto resume = std::move(connection.task_waiter_);
  connection.task_waiter_ = nullptr;
  resume();  // may destroy the connection
}

Awaitable<void> ClientConnection::until_task_done() {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [this](auto handler) {
        task_waiter_ = [resume = std::move(handler)]() mutable { std::move(resume)(); };
      },
      kResume);
}

// Writes the answer that the service made.
void ClientConnection::end_answer() {
  if (task_) {
    try {
      task_->take();
    } catch (...) {
      fill_refusal({ErrorKind::internal, "The server failed to answer; try again later."});
    }
    task_.reset();
  }
  if (response_.body.size() > kMaxGathered) bound_memory();
  const Head& head = reader_.head();
  const BodySent body_sent = head.method == Method::head ? BodySent::no : BodySent::yes;
  const bool http_1_0 = head.http_1_0;
  framing_ = http_1_0 ? StreamFraming::until_close : StreamFraming::chunks;
  const bool streams =
      response_.stream && body_sent == BodySent::yes && may_have_body(response_.status);
  const bool wanted = head.keep_alive;
  reader_.release();
  // While draining, requests that have arrived are still served; the last one's answer says close.
  const bool kept =
      wanted && !response_.close && !streams && !(listener_->draining() && !reader_.begun());
  closing_ = !kept;
  must_linger_ = closing_ && (wanted || reader_.begun());
  const size_t before = out_.size();
  append(body_sent, !kept      ? Afterwards::close
                    : http_1_0 ? Afterwards::keep_and_say
                               : Afterwards::keep);
  if (Observer* observer = listener_->observer()) {
    const auto written = std::chrono::steady_clock::now();
    const size_t apart = body_apart_ ? response_.body.size() : 0;
    observer->answered(
        {reader_.request(), response_, written - answer_begun_, out_.size() - before + apart});
    answer_begun_ = written;  // of the next request that came with this one
  }
  if (!body_apart_ && response_.body.capacity() > kMaxGathered) give_back(response_.body);
  if (!streams) response_.stream.reset();
  phase_ = Phase::idle;
  deadline = now() + options().idle_timeout;
}

void ClientConnection::append(BodySent body_sent, Afterwards afterwards) {
  append_response(out_, response_, listener_->common_fields(),
                  body_apart_ ? BodySent::no : body_sent, afterwards, framing_);
}

// Before a long answer is written: it has its place in the budget, or is refused. What is not a
// read is done, and the client has to know.
void ClientConnection::bound_memory() {
  const size_t size = response_.body.size();
  const Method method = reader_.head().method;
  if (method == Method::head || response_.stream || !may_have_body(response_.status)) return;
  if (method != Method::get) {
    unsent_.hold(size);
  } else if (!unsent_.take(size, options().max_unsent_bytes)) {
    ++listener_->state().unsent_refusals;
    fill_refusal({ErrorKind::overloaded,
                  "Too many answers wait for slow clients; try again later, or ask for less at "
                  "once."});
    response_.close = true;  // what is pipelined behind it would cost as much
    return;
  }
  body_apart_ = true;
}

// The last answer of the connection, for an error that was found here.
void ClientConnection::append_refusal(const Error& error) {
  fill_refusal(error);
  const bool is_head = plain_head_ || reader_.is_head();
  append(is_head ? BodySent::no : BodySent::yes, Afterwards::close);
  if (Observer* observer = listener_->observer()) observer->refused(response_);
  closing_ = true;
  must_linger_ = true;
}

void ClientConnection::fill_refusal(const Error& error) {
  response_.reset();
  try {
    listener_->service().refuse(error, response_);
  } catch (...) {
    response_.reset();
    response_.status = 500;
  }
}

// A connection over the limit is told so once it asks for something: an answer that comes before
// could be taken for another request's, and what has no body depends on the method. False when it
// did not ask in time.
Awaitable<bool> ClientConnection::turn_away() {
  if (listener_->draining()) {
    reader_.received(receive_at_once());
    if (!reader_.begun()) co_return false;
  } else {
    deadline = now() + kTurnedAwayTime;
    reading_ = true;
    const auto [error, bytes] = co_await receive();
    reading_ = false;
    if (error) co_return false;
    reader_.received(bytes);
  }
  reader_.next();  // for the method alone
  append_refusal({ErrorKind::overloaded,
                  admission_ == Admission::refused
                      ? "There are too many connections; try again later."
                      : "This client has too many connections; close some, or try again later."});
  co_return true;
}

// --- Reading

// Sets the deadline of the read to come. A request's deadline stays as it was when it began.
void ClientConnection::begin_phase() {
  if (reader_.begun() && phase_ != Phase::receiving) {
    phase_ = Phase::receiving;
    deadline = now() + options().header_timeout;
  }
}

ClientConnection::AfterRead ClientConnection::after_read(const error_code& error, size_t bytes) {
  if (!error) {
    deadline_passed_ = false;
    reader_.received(bytes);
    return AfterRead::go_on;
  }
  count_stall(error);
  if (error != asio::error::operation_aborted) return AfterRead::over;  // the client is gone
  if (!deadline_passed_) return AfterRead::go_on;                       // cancelled by on_drain()
  if (phase_ == Phase::idle) return AfterRead::over;
  append_refusal(
      {ErrorKind::request_timeout, "The request did not arrive in time; send it again."});
  deadline_passed_ = false;
  return AfterRead::go_on;
}

// --- Transport

void ClientConnection::prepare() {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  set_tcp_option(socket_, TCP_NOTSENT_LOWAT, kMostInKernel);
  // An answer that the kernel has whole may still wait for its client, and we would not know: the
  // kernel ends the connection when the client takes nothing for so long.
  constexpr Duration::rep kMost = std::numeric_limits<int>::max();
  set_tcp_option(socket_, TCP_USER_TIMEOUT,
                 static_cast<int>(std::min(options().header_timeout.count(), kMost)));
}

// False when the connection is over. A client that speaks plain HTTP is told so, in plain HTTP. One
// that drains meanwhile ends here: no request has begun.
Awaitable<bool> ClientConnection::handshake() {
  if (!listener_->draining()) {
    reading_ = true;
    const auto [error] = co_await until_ready(TlsStream::Status::wants_read);
    reading_ = false;
    if (error) co_return false;
    plain_head_ = begins_with("HEAD ");  // OpenSSL takes these bytes for itself
  }
  for (;;) {
    const auto [status, bytes] = tls_->handshake();
    if (status == TlsStream::Status::done) co_return true;
    if (status == TlsStream::Status::plain_http) {
      tls_.reset();
      append_refusal({ErrorKind::bad_request, "This port speaks TLS only; use https."});
      co_return true;
    }
    if (status == TlsStream::Status::ended) {
      // A client that goes on sending would never see the alert that says why.
      co_await linger();
      co_return false;
    }
    if (listener_->draining()) co_return false;
    reading_ = true;
    const auto [error] = co_await until_ready(status);
    reading_ = false;
    if (error) co_return false;
  }
}

// Until the socket can do what TLS wants.
Awaitable<std::tuple<error_code>> ClientConnection::until_ready(TlsStream::Status wanted) {
  return socket_.async_wait(
      wanted == TlsStream::Status::wants_write ? Socket::wait_write : Socket::wait_read,
      kResumeWithError);
}

// True when all of out_ is sent; it is empty then.
bool ClientConnection::send_at_once() {
  error_code error;
  if (tls_) {
    while (sent_ < out_.size()) {
      const auto [status, bytes] = tls_->write(std::span(out_).subspan(sent_));
      if (status != TlsStream::Status::done) break;
      sent_ += bytes;
    }
  } else {
    sent_ = socket_.write_some(asio::buffer(out_), error);
    if (error == asio::error::would_block) sent_ = 0;
    count_stall(error);
  }
  if (sent_ < out_.size()) return false;
  sent_ = 0;
  if (out_.capacity() > 2 * kMaxGathered) give_back(out_);
  out_.clear();
  return true;
}

// Sends what send_at_once() left, as fast as the client takes it; false when it does not.
Awaitable<bool> ClientConnection::send_rest() {
  unsent_.hold(out_.size());
  const auto deadline_before = deadline;
  untaken_ = untaken();
  deadline = now() + options().header_timeout;
  while (sent_ < out_.size()) {
    writing_ = true;
    const auto [error, bytes] = co_await send_some();
    writing_ = false;
    if (deadline_passed_) {
      ++listener_->state().stalled;
    } else {
      count_stall(error);
    }
    if (error) co_return false;
    deadline_passed_ = false;
    sent_ += bytes;
  }
  if (!body_apart_) unsent_.release();
  deadline = phase_ == Phase::idle ? now() + options().idle_timeout : deadline_before;
  sent_ = 0;
  if (out_.capacity() > 2 * kMaxGathered) give_back(out_);
  out_.clear();
  co_return true;
}

// When the kernel ended the connection because the client took nothing.
void ClientConnection::count_stall(const error_code& error) {
  if (error == asio::error::timed_out) ++listener_->state().stalled;
}

// At the deadline of sending: true, and it has another, when enough was taken since the last.
bool ClientConnection::client_takes() {
  const size_t before = untaken_;
  untaken_ = untaken();
  if (untaken_ + kLeastTaken > before) return false;
  deadline = now() + options().header_timeout;
  return true;
}

// Bytes that the client's machine has not confirmed: ours, and those that the kernel holds.
size_t ClientConnection::untaken() {
  int in_kernel = 0;
  ioctl(socket_.native_handle(), SIOCOUTQ, &in_kernel);
  return out_.size() - sent_ + static_cast<size_t>(in_kernel);
}

Awaitable<Transferred> ClientConnection::send_some() {
  if (tls_) return send_encrypted();
  return socket_.async_write_some(asio::buffer(out_) + sent_, kResumeWithError);
}

Awaitable<Transferred> ClientConnection::send_encrypted() {
  for (;;) {
    const auto [status, bytes] = tls_->write(std::span(out_).subspan(sent_));
    if (status == TlsStream::Status::done) co_return Transferred{error_code(), bytes};
    if (status == TlsStream::Status::ended) co_return Transferred{asio::error::eof, 0};
    const auto [error] = co_await until_ready(status);
    if (error) co_return Transferred{error, 0};
  }
}

Awaitable<Transferred> ClientConnection::receive() {
  if (tls_) return receive_encrypted();
  const auto room = reader_.room();
  return socket_.async_read_some(asio::buffer(room.data(), room.size()), kResumeWithError);
}

// It waits first: that saves a look at a socket that is usually empty, and lets others on the loop
// have their turn.
Awaitable<Transferred> ClientConnection::receive_encrypted() {
  TlsStream::Progress progress{TlsStream::Status::wants_read};
  if (tls_->has_buffered()) progress = tls_->read(reader_.room());
  for (;;) {
    if (progress.status == TlsStream::Status::done) {
      co_return Transferred{error_code(), progress.bytes};
    }
    if (progress.status == TlsStream::Status::ended) {
      co_return Transferred{
          errno == ETIMEDOUT ? asio::error::timed_out : error_code(asio::error::eof), 0};
    }
    const auto [error] = co_await until_ready(progress.status);
    if (error) co_return Transferred{error, 0};
    progress = tls_->read(reader_.room());
  }
}

// Whether the client has sent these bytes; leaves them where they are.
bool ClientConnection::begins_with(std::string_view text) {
  std::array<char, 16> bytes;
  error_code error;
  const size_t size = socket_.receive(asio::buffer(bytes, std::min(bytes.size(), text.size())),
                                      asio::socket_base::message_peek, error);
  return !error && std::string_view(bytes.data(), size) == text;
}

// What is here already; 0 when nothing is, or the client is gone.
size_t ClientConnection::receive_at_once() {
  const auto room = reader_.room();
  if (tls_) return tls_->read(room).bytes;
  error_code error;
  const size_t bytes = socket_.read_some(asio::buffer(room.data(), room.size()), error);
  return error ? 0 : bytes;
}

// True when nothing more will be read from the client: it is gone, or says that it will send no
// more, as clients that leave do. What it sends during a stream is dropped, a little at a time: the
// answer's head told it that the connection closes.
bool ClientConnection::client_left() {
  std::array<char, 4096> dropped;
  if (tls_) return tls_->read(dropped).status == TlsStream::Status::ended;
  error_code error;
  socket_.read_some(asio::buffer(dropped), error);
  count_stall(error);
  return error && error != asio::error::would_block;
}

// Closes with a reset: for a body that lasts until the connection closes, and must not look whole.
void ClientConnection::reset() {
  if (tls_) tls_->abandon();  // before the descriptor may be another connection's
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

void ClientConnection::shutdown_sending() {
  if (tls_) tls_->close();
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void ClientConnection::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

// What still comes is dropped unread, so under TLS undecrypted.
Awaitable<void> ClientConnection::linger() {
  shutdown_sending();
  phase_ = Phase::lingering;
  deadline_passed_ = false;
  deadline = now() + kLingerTime;
  std::array<char, 16 * 1024> discarded;
  size_t total = 0;
  reading_ = true;
  while (!deadline_passed_ && total < kLingerBytes) {
    const auto [error, bytes] =
        co_await socket_.async_read_some(asio::buffer(discarded), kResumeWithError);
    if (error) break;
    total += bytes;
  }
  reading_ = false;
}

void serve(Socket socket, std::shared_ptr<Listener> listener, const Arrival& arrival) {
  const auto executor = socket.get_executor();
  auto connection =
      std::make_unique<ClientConnection>(std::move(socket), std::move(listener), arrival);
  asio::co_spawn(
      executor, [connection = std::move(connection)] { return connection->run(); }, asio::detached);
}

}  // namespace sojourn::http
