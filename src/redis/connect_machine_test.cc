// What a connection says first, and what it makes of the answers.
#include "connect_machine.h"

#include <gmock/gmock.h>

#include "resp.h"

namespace sojourn::redis {
namespace {

using std::chrono_literals::operator""ms;

const Reply kOk{.kind = Reply::Kind::status, .text = "OK"};
Reply error(std::string text) { return {.kind = Reply::Kind::error, .text = std::move(text)}; }

std::string greeting(ConnectMachine& machine) {
  EXPECT_TRUE(std::holds_alternative<ConnectMachine::Open>(machine.want()));
  return std::get<ConnectMachine::Greet>(machine.on_open()).bytes;
}

std::string resp(std::initializer_list<std::string_view> words) {
  return encoded(std::span(words.begin(), words.size()));
}

TEST(ConnectMachine, AuthenticatesFirst) {
  const std::string name = resp({"CLIENT", "SETNAME", "n"});
  const struct {
    Credentials credentials;
    std::string greeting;
  } cases[] = {
      {{}, name},
      {{.password = "p"}, resp({"AUTH", "p"}) + name},
      {{.username = "u", .password = "p"}, resp({"AUTH", "u", "p"}) + name},
  };
  for (const auto& one : cases) {
    ConnectMachine machine(one.credentials, "n");
    EXPECT_EQ(greeting(machine), one.greeting);
  }
}

TEST(ConnectMachine, IsReadyAfterTheLastReply) {
  ConnectMachine machine({.password = "p"}, "n");
  greeting(machine);
  EXPECT_TRUE(std::holds_alternative<ConnectMachine::Nothing>(machine.on_reply(kOk)));
  EXPECT_TRUE(machine.is_connecting());
  EXPECT_TRUE(std::holds_alternative<ConnectMachine::Ready>(machine.on_reply(kOk)));
  EXPECT_TRUE(machine.is_ready());
  EXPECT_TRUE(std::holds_alternative<ConnectMachine::Nothing>(machine.want()));
}

TEST(ConnectMachine, IsRefused) {
  const struct {
    Credentials credentials;
    std::vector<std::string> errors;  // "": OK
    bool refused;
  } cases[] = {
      {{.password = "p"}, {"WRONGPASS invalid username-password pair"}, true},
      {{.password = "p"}, {"NOPERM"}, true},
      {{.password = "p"}, {"ERR unknown command AUTH"}, true},
      {{}, {"NOAUTH Authentication required."}, true},
      // The name is for people.
      {{}, {"NOPERM this user has no permissions to run 'client|setname'"}, false},
      {{}, {"ERR unknown command 'CLIENT'"}, false},
      {{.password = "p"}, {"", "NOPERM this user"}, false},
  };
  for (const auto& [credentials, errors, refused] : cases) {
    ConnectMachine machine(credentials, "n");
    greeting(machine);
    ConnectMachine::Step step;
    for (const std::string& text : errors)
      step = machine.on_reply(text.empty() ? kOk : error(text));
    EXPECT_EQ(std::holds_alternative<ConnectMachine::Refused>(step), refused) << errors.back();
    EXPECT_EQ(machine.is_ready(), !refused) << errors.back();
    if (!refused) continue;
    const Trouble& why = std::get<ConnectMachine::Refused>(step).why;
    EXPECT_EQ(why.reason, "it said: " + errors.back());
    EXPECT_EQ(why.lasting, !errors.back().starts_with("ERR"));
  }
}

TEST(ConnectMachine, PausesLongerAfterEachFailureUntilItIsReady) {
  ConnectMachine machine({}, "n");
  for (const Duration delay : {20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1000ms, 1000ms}) {
    EXPECT_TRUE(std::holds_alternative<ConnectMachine::Open>(machine.want()));
    EXPECT_EQ(machine.on_failure().delay, delay);
    EXPECT_TRUE(machine.is_pausing());
    EXPECT_TRUE(std::holds_alternative<ConnectMachine::Nothing>(machine.want()));
    machine.on_pause_over();
  }
  greeting(machine);
  machine.on_reply(kOk);
  EXPECT_EQ(machine.failures(), 0U);
  EXPECT_EQ(machine.on_failure().delay, 20ms);
}

}  // namespace
}  // namespace sojourn::redis
