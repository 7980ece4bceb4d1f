// The state of one connection, whose story connection.cc and connection_stream.cc tell. Private to
// them: others use connection.h.
#pragma once

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "connection.h"
#include "request_reader.h"
#include "response_writer.h"
#include "tls_stream.h"

namespace sojourn::http {

template <class T>
using Awaitable = boost::asio::awaitable<T, net::Loop::Impl::Executor>;
inline constexpr boost::asio::use_awaitable_t<net::Loop::Impl::Executor> kResume{};
using Transferred = std::tuple<boost::system::error_code, size_t>;

// Answers are sent when so much has gathered. A longer body is sent from where it was made, and a
// buffer that grew beyond it is given back: it would be held as long as the connection is kept.
inline constexpr size_t kMaxGathered = 64 * 1024;
// Empties it. A move from an empty string would keep the memory.
inline void give_back(std::string& buffer) { std::string().swap(buffer); }

class ClientConnection final : public Listener::Connection {
 public:
  ClientConnection(Socket socket, std::shared_ptr<Listener> listener, const Arrival& arrival)
      : listener_(std::move(listener)),
        place_(*listener_, arrival),
        admission_(arrival.admission),
        peer_(arrival.peer),
        unsent_(listener_->state().unsent),
        socket_(std::move(socket)),
        reader_(options().max_header_bytes, options().max_body_bytes) {
    if (const TlsContext* context = listener_->tls()) {
      tls_ = std::make_unique<TlsStream>(*context, socket_.native_handle());
    }
    listener_->add(*this);
  }

  ~ClientConnection() override {
    listener_->remove(*this);
    // Only when the loop was stopped. Whoever the Task waits for may still write into its frame, so
    // it is left where it is.
    if (waiting_) {
      [[maybe_unused]] auto* left = new Task<void>(std::move(*task_));
      [[maybe_unused]] auto* stream = response_.stream.release();
    }
  }

  Awaitable<void> run();

  void on_deadline() override {
    if (deadline_passed_ || !(reading_ || writing_)) return;
    if (writing_ && client_takes()) return;
    deadline_passed_ = true;
    cancel();
  }

  void on_drain() override {
    if (reading_ && phase_ != Phase::lingering && !reader_.begun()) cancel();
  }

 private:
  enum class Phase {
    idle,       // no byte of the next request yet
    receiving,  // a request has begun
    streaming,  // an answer's stream is being sent
    lingering,  // the last answer is sent
  };
  enum class AfterRead { go_on, over };

  const ServerOptions& options() const { return listener_->options(); }
  net::SteadyTime now() const { return listener_->loop().now; }

  // Answers.
  void begin_answer();
  void end_answer();
  void append(BodySent body_sent, Afterwards afterwards);
  void bound_memory();
  void append_refusal(const Error& error);
  void fill_refusal(const Error& error);
  static void on_task_done(void* self);
  Awaitable<void> until_task_done();
  Awaitable<bool> turn_away();

  // Stream, in connection_stream.cc.
  Awaitable<bool> send_stream();
  void begin_piece();
  bool end_piece();
  bool may_wait_with_piece();

  // Reading.
  void begin_phase();
  AfterRead after_read(const boost::system::error_code& error, size_t bytes);

  // Transport.
  void prepare();
  Awaitable<bool> handshake();
  Awaitable<std::tuple<boost::system::error_code>> until_ready(TlsStream::Status wanted);
  bool send_at_once();
  Awaitable<bool> send_rest();
  void count_stall(const boost::system::error_code& error);
  bool client_takes();
  size_t untaken();
  Awaitable<Transferred> send_some();
  Awaitable<Transferred> send_encrypted();
  Awaitable<Transferred> receive();
  Awaitable<Transferred> receive_encrypted();
  size_t receive_at_once();
  bool client_left();
  bool begins_with(std::string_view text);
  void reset();
  void shutdown_sending();
  void cancel();
  Awaitable<void> linger();

  const std::shared_ptr<Listener> listener_;
  const Place place_;
  const Admission admission_;
  const IpAddress peer_;
  UnsentShare unsent_;  // of out_, and of a body apart
  Socket socket_;
  std::unique_ptr<TlsStream> tls_;  // over socket_, which must outlive it; null: plain
  RequestReader reader_;

  Phase phase_ = Phase::idle;
  bool reading_ = false;
  bool writing_ = false;
  bool deadline_passed_ = false;
  bool closing_ = false;  // after what is in out_
  bool must_linger_ = false;
  bool plain_head_ = false;  // on a port for TLS: the client began with a plain HEAD
  StreamFraming framing_ = StreamFraming::chunks;
  BodyStream::Step step_ = BodyStream::Step::more;

  Response response_;
  std::optional<Task<void>> task_;
  net::SteadyTime answer_begun_;                 // only when somebody watches
  bool waiting_ = false;                         // task_ waits for something
  std::move_only_function<void()> task_waiter_;  // resumes run() once task_ is done

  std::string out_;  // answers not sent yet
  size_t sent_ = 0;  // of out_
  // The body in response_ follows out_: it is too long to be copied.
  bool body_apart_ = false;
  size_t untaken_ = 0;  // as of when the deadline for sending was set
};

}  // namespace sojourn::http
