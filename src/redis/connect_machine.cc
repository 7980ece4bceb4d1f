#include "connect_machine.h"

#include "backoff.h"
#include "resp.h"

namespace sojourn::redis {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(20);
constexpr Duration kLongestPause = std::chrono::milliseconds(1000);

std::string greeting_of(const Credentials& credentials, std::string_view client_name) {
  std::string greeting;
  if (!credentials.password.empty()) {
    const std::string_view username = credentials.username;
    const std::string_view password = credentials.password;
    if (username.empty()) {
      const std::string_view arguments[] = {"AUTH", password};
      greeting += encoded(arguments);
    } else {
      const std::string_view arguments[] = {"AUTH", username, password};
      greeting += encoded(arguments);
    }
  }
  const std::string_view arguments[] = {"CLIENT", "SETNAME", client_name};
  return greeting + encoded(arguments);
}

}  // namespace

ConnectMachine::ConnectMachine(const Credentials& credentials, std::string client_name)
    : greeting_(greeting_of(credentials, client_name)),
      replies_expected_(credentials.password.empty() ? 1 : 2),
      authenticates_(!credentials.password.empty()) {}

ConnectMachine::Step ConnectMachine::want() {
  if (state_ != State::idle) return Nothing{};
  state_ = State::opening;
  return Open{};
}

ConnectMachine::Step ConnectMachine::on_open() {
  state_ = State::greeting;
  replies_ = 0;
  return Greet{greeting_};
}

ConnectMachine::Step ConnectMachine::on_reply(const Reply& reply) {
  const bool to_auth = authenticates_ && replies_ == 0;
  ++replies_;
  if (reply.is_error()) {
    const std::string_view code = reply.error_code();
    // A name is for people who look at the server: it may be forbidden, or unknown to the server.
    const bool matters = to_auth || !(code == "NOPERM" || reply.text.contains("unknown"));
    if (matters) return Refused{{"it said: " + reply.text, is_lasting(code)}};
  }
  if (replies_ < replies_expected_) return Nothing{};
  state_ = State::ready;
  failures_ = 0;
  return Ready{};
}

ConnectMachine::Pause ConnectMachine::on_failure() {
  state_ = State::pausing;
  return Pause{.delay = backoff(failures_++, kFirstPause, kLongestPause)};
}

void ConnectMachine::on_pause_over() { state_ = State::idle; }

}  // namespace sojourn::redis
