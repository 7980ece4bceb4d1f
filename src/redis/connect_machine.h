// The life of a connection to one node, decided without I/O: when to open it, what to say first,
// and how long to pause after a failure.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "base/clock.h"
#include "redis/reply.h"
#include "redis/trouble.h"

namespace sojourn::redis {

struct Credentials {
  std::string username;
  std::string password;  // empty: no AUTH
};

class ConnectMachine {
 public:
  struct Nothing {};
  // Resolve, connect, and shake hands for TLS; then on_open().
  struct Open {};
  // Send these bytes and tell every reply.
  struct Greet {
    std::string bytes;
  };
  // Commands can be sent.
  struct Ready {};
  // The server does not take us: on_failure() is next.
  struct Refused {
    Trouble why;
  };
  // Close what is there, and come back with on_pause_over() after so long at most.
  struct Pause {
    Duration delay;
  };
  using Step = std::variant<Nothing, Open, Greet, Ready, Refused>;

  ConnectMachine(const Credentials& credentials, std::string client_name);

  // There is something to send.
  Step want();
  Step on_open();
  Step on_reply(const Reply& reply);
  // Whatever went wrong: it could not be opened, took too long, broke.
  Pause on_failure();
  // Afterwards want() opens again.
  void on_pause_over();

  bool is_ready() const { return state_ == State::ready; }
  bool is_pausing() const { return state_ == State::pausing; }
  // Between Open and Ready.
  bool is_connecting() const { return state_ == State::opening || state_ == State::greeting; }
  // In a row, since it was ready last.
  size_t failures() const { return failures_; }

 private:
  enum class State { idle, opening, greeting, ready, pausing };

  State state_ = State::idle;
  std::string greeting_;
  const size_t replies_expected_;
  const bool authenticates_;
  size_t replies_ = 0;
  size_t failures_ = 0;
};

}  // namespace sojourn::redis
