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
// The socket is touched in the section "Transport" alone.
#include "connection.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <optional>
#include <tuple>

#include "listener.h"
#include "request_reader.h"
#include "response_writer.h"

// g++ 12 takes Asio's own frame allocation, once inlined, for a mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sojourn::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Executor = Loop::Impl::Executor;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> kResume{};
constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> kResumeWithError{};

// Answers are sent when so much has gathered, and a buffer that grew beyond it is given back.
constexpr size_t kMaxGathered = 64 * 1024;

// Lingering close: a client that is still sending must be read from, or the reset that answers its
// bytes would destroy the answer on its way (RFC 9112 9.6). For so long and so many bytes.
constexpr std::chrono::seconds kLingerTime{2};
constexpr size_t kLingerBytes = 8 * 1024 * 1024;

// A connection's place in the counts of its server.
class Place {
 public:
  Place(Listener& listener, Admission admission) : listener_(listener), admission_(admission) {
    listener_.state().opened();
    listener_.state().connections.fetch_add(1, std::memory_order_relaxed);
    if (admission_ == Admission::refused) ++listener_.turned_away;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (admission_ == Admission::refused) {
      --listener_.turned_away;
    } else {
      listener_.state().give_place_back();
    }
    listener_.state().connections.fetch_sub(1, std::memory_order_relaxed);
    listener_.state().closed();
  }

 private:
  Listener& listener_;
  const Admission admission_;
};

class ClientConnection final : public Listener::Connection {
 public:
  ClientConnection(Socket socket, std::shared_ptr<Listener> listener, Admission admission)
      : listener_(std::move(listener)),
        place_(*listener_, admission),
        admission_(admission),
        socket_(std::move(socket)),
        reader_(options().max_header_bytes, options().max_body_bytes) {
    listener_->add(*this);
  }

  ~ClientConnection() override {
    listener_->remove(*this);
    // Only when the loop was stopped. Whoever the Task waits for may still write into its frame, so
    // it is left where it is.
    if (waiting_) [[maybe_unused]]
      auto* left = new Task<void>(std::move(*task_));
  }

  Awaitable<void> run();

  void on_deadline() override {
    if (!deadline_passed_ && (reading_ || writing_)) {
      deadline_passed_ = true;
      cancel();
    }
  }

  void on_drain() override {
    if (reading_ && phase_ != Phase::lingering && !reader_.begun()) cancel();
  }

 private:
  enum class Phase {
    opened,     // no byte of the first request yet
    idle,       // between requests
    receiving,  // a request has begun
    lingering,  // the last answer is sent
  };
  enum class AfterRead { go_on, over };

  const ServerOptions& options() const { return listener_->options(); }
  SteadyTime now() const { return listener_->loop().now; }

  // Answers.
  void begin_answer();
  void end_answer();
  void append(BodySent body_sent, Afterwards afterwards);
  void append_refusal(const Error& error);
  void fill_refusal(const Error& error);
  static void on_task_done(void* self);
  Awaitable<void> until_task_done();

  // Reading.
  void begin_phase();
  AfterRead after_read(const error_code& error, size_t bytes);

  // Transport.
  void prepare();
  bool send_at_once();
  Awaitable<bool> send_rest();
  Awaitable<std::tuple<error_code, size_t>> receive();
  size_t receive_at_once();
  void shutdown_sending();
  void cancel();
  Awaitable<void> linger();

  const std::shared_ptr<Listener> listener_;
  const Place place_;
  const Admission admission_;
  Socket socket_;
  RequestReader reader_;

  Phase phase_ = Phase::opened;
  bool reading_ = false;
  bool writing_ = false;
  bool deadline_passed_ = false;
  bool closing_ = false;  // after what is in out_
  bool must_linger_ = false;

  Response response_;
  std::optional<Task<void>> task_;
  bool waiting_ = false;                         // task_ waits for something
  std::move_only_function<void()> task_waiter_;  // resumes run() once task_ is done

  std::string out_;  // answers not sent yet
  size_t sent_ = 0;  // of out_
};

Awaitable<void> ClientConnection::run() {
  prepare();
  deadline = now() + options().header_timeout;
  if (admission_ == Admission::refused) {
    append_refusal({ErrorKind::overloaded, "There are too many connections; try again later."});
  }

  for (;;) {
    // Answer.
    auto state = RequestReader::State::request;
    while (!closing_ && out_.size() < kMaxGathered) {
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
    if (!closing_ && reader_.take_continue()) out_.append("HTTP/1.1 100 Continue\r\n\r\n");

    // Send.
    if (!out_.empty() && !send_at_once()) {
      const bool sent = co_await send_rest();
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

  if (must_linger_) co_await linger();
}

// --- Answers

// Starts the service. Afterwards either waiting_, or task_ is done.
void ClientConnection::begin_answer() {
  if (response_.body.capacity() > kMaxGathered) response_.body = {};
  response_.reset();
  try {
    task_.emplace(listener_->service().handle(reader_.request(), response_));
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
  const Head& head = reader_.head();
  const BodySent body_sent = head.method == Method::head ? BodySent::no : BodySent::yes;
  const bool http_1_0 = head.http_1_0;
  const bool wanted = head.keep_alive;
  reader_.release();
  // While draining, requests that have arrived are still served; the last one's answer says close.
  const bool kept = wanted && !response_.close && !(listener_->draining() && !reader_.begun());
  closing_ = !kept;
  must_linger_ = closing_ && (wanted || reader_.begun());
  append(body_sent, !kept      ? Afterwards::close
                    : http_1_0 ? Afterwards::keep_and_say
                               : Afterwards::keep);
  phase_ = Phase::idle;
  deadline = now() + options().idle_timeout;
}

void ClientConnection::append(BodySent body_sent, Afterwards afterwards) {
  append_response(out_, response_, listener_->loop().common_fields, body_sent, afterwards);
}

// The last answer of the connection, for an error that was found here.
void ClientConnection::append_refusal(const Error& error) {
  fill_refusal(error);
  const bool is_head = reader_.head_is_read() && reader_.head().method == Method::head;
  append(is_head ? BodySent::no : BodySent::yes, Afterwards::close);
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
}

// True when all of out_ is sent; it is empty then.
bool ClientConnection::send_at_once() {
  error_code error;
  sent_ = socket_.write_some(asio::buffer(out_), error);
  if (error == asio::error::would_block) sent_ = 0;
  if (sent_ < out_.size()) return false;
  sent_ = 0;
  out_.clear();
  return true;
}

// Sends what send_at_once() left, as fast as the client takes it; false when it does not.
Awaitable<bool> ClientConnection::send_rest() {
  const auto deadline_before = deadline;
  deadline = now() + options().header_timeout;
  while (sent_ < out_.size()) {
    writing_ = true;
    const auto [error, bytes] =
        co_await socket_.async_write_some(asio::buffer(out_) + sent_, kResumeWithError);
    writing_ = false;
    if (error) co_return false;
    deadline_passed_ = false;
    sent_ += bytes;
  }
  deadline = phase_ == Phase::idle ? now() + options().idle_timeout : deadline_before;
  sent_ = 0;
  if (out_.capacity() > 2 * kMaxGathered) {
    out_ = {};
  } else {
    out_.clear();
  }
  co_return true;
}

Awaitable<std::tuple<error_code, size_t>> ClientConnection::receive() {
  const auto room = reader_.room();
  return socket_.async_read_some(asio::buffer(room.data(), room.size()), kResumeWithError);
}

// What is here already; 0 when nothing is, or the client is gone.
size_t ClientConnection::receive_at_once() {
  const auto room = reader_.room();
  error_code error;
  const size_t bytes = socket_.read_some(asio::buffer(room.data(), room.size()), error);
  return error ? 0 : bytes;
}

void ClientConnection::shutdown_sending() {
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void ClientConnection::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

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

}  // namespace

void serve(Socket socket, std::shared_ptr<Listener> listener, Admission admission) {
  const auto executor = socket.get_executor();
  auto connection =
      std::make_unique<ClientConnection>(std::move(socket), std::move(listener), admission);
  asio::co_spawn(
      executor, [connection = std::move(connection)] { return connection->run(); }, asio::detached);
}

}  // namespace sojourn::http
