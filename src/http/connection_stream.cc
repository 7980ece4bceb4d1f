// The last answer of a connection when its body is a stream: its pieces are asked for, sent, asked
// for, until the stream or the server ends or the client leaves.
//
// Nothing is read meanwhile but to see whether the client is still there: requests behind this one
// are dropped, and the answer's head said so ("Connection: close"). While next() waits the client
// is not looked at: its Task may not be destroyed before it is done, so knowing would change
// nothing.
#include <boost/asio/post.hpp>

#include "client_connection.h"

// g++ 12 takes Asio's own frame allocation, once inlined, for a mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sojourn::http {
namespace {

Task<void> next_step(BodyStream& stream, std::string& piece, BodyStream::Step& step) {
  step = co_await stream.next(piece);
}

}  // namespace

// Sends the body of the last answer, whose head is sent, a piece at a time. False when the client
// left or is too slow, or the stream failed: then the body has no end that the client could take
// for its own.
Awaitable<bool> ClientConnection::send_stream() {
  phase_ = Phase::streaming;
  deadline =
      net::SteadyTime::max();  // the stream may wait as long as it likes; each send has a limit
  bool whole = true;
  for (bool ended = false; whole && !ended;) {
    // Others on the loop have their turn, and a drain is seen, however fast the pieces come.
    co_await boost::asio::post(kResume);
    step_ = BodyStream::Step::end;
    if (!listener_->draining()) {
      begin_piece();
      if (waiting_) co_await until_task_done();
      whole = end_piece() && !client_left();
    }
    if (!whole) break;
    ended = step_ == BodyStream::Step::end || listener_->draining();
    if (ended) append_stream_end(out_, framing_);
    if (out_.empty() || send_at_once()) continue;
    whole = may_wait_with_piece();
    if (whole) whole = co_await send_rest();
  }
  response_.stream.reset();
  if (!whole && framing_ == StreamFraming::until_close) reset();
  co_return whole;
}

// As begin_answer().
void ClientConnection::begin_piece() {
  response_.body.clear();
  task_.emplace(next_step(*response_.stream, response_.body, step_));
  waiting_ = !task_->start(&on_task_done, this);
}

// False when the stream failed.
bool ClientConnection::end_piece() {
  try {
    task_->take();
  } catch (...) {
    task_.reset();
    return false;
  }
  task_.reset();
  append_piece(out_, response_.body, framing_);
  if (response_.body.capacity() > kMaxGathered) give_back(response_.body);
  return true;
}

// False when the client does not take a long piece, and too many bytes wait for slow clients.
bool ClientConnection::may_wait_with_piece() {
  if (out_.size() <= kMaxGathered || unsent_.take(out_.size(), options().max_unsent_bytes)) {
    return true;
  }
  ++listener_->state().unsent_refusals;
  return false;
}

}  // namespace sojourn::http
