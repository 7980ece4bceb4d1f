// The client against real servers: order, redirects, servers that go away, stand still and come
// back.
#include <gmock/gmock.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "base/seeded_entropy.h"
#include "redis/client.h"
#include "redis/slot.h"
#include "testing/blocking_client.h"
#include "testing/redis_servers.h"

namespace sojourn::redis {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::RedisServers;

Command command_of(std::initializer_list<std::string_view> words) {
  return Command(words.size() > 1 ? slot_of(*(words.begin() + 1)) : uint16_t{0}, words);
}

Command repeatable(std::initializer_list<std::string_view> words) {
  Command command = command_of(words);
  command.repeatable = true;
  return command;
}

// A client on a loop of its own, for a test that waits for each answer.
class ClientOnLoop {
 public:
  explicit ClientOnLoop(const RedisOptions& options)
      : client_(make_client(loop_, make_access(options).value(), entropy_, log_)) {
    loop_.start();
  }
  explicit ClientOnLoop(const std::string& url) : ClientOnLoop(RedisOptions{.url = url}) {}
  ~ClientOnLoop() {
    loop_.stop();
    client_->close();
  }

  const ClientCounters& counters() const { return *counters_; }
  uint64_t redirected() const {
    return counters_->errors[0].value() + counters_->errors[1].value();
  }
  net::Loop& loop() { return loop_; }
  Client& client() { return *client_; }

  // Begins them all in one turn of the loop.
  std::vector<std::future<Outcome>> begin(std::vector<Command> commands) {
    std::vector<std::future<Outcome>> futures;
    auto calls = std::make_shared<std::vector<std::unique_ptr<Call>>>();
    for (Command& command : commands) {
      calls->push_back(std::make_unique<Call>(std::move(command)));
      futures.push_back(calls->back()->promise.get_future());
    }
    loop_.post([this, calls] {
      for (auto& call : *calls) {
        Call* const one = call.release();
        one->task.emplace(client_->send(std::move(one->command)));
        if (one->task->start(Call::done, one)) Call::done(one);
      }
    });
    return futures;
  }

  Outcome send(Command command) {
    std::vector<Command> one;
    one.push_back(std::move(command));
    return begin(std::move(one)).front().get();
  }
  Outcome send(std::initializer_list<std::string_view> words) { return send(command_of(words)); }

  std::expected<std::vector<NodeOutcome>, Failure> send_to_all_masters(Command command) {
    using Answered = std::expected<std::vector<NodeOutcome>, Failure>;
    std::promise<Answered> promise;
    std::optional<Task<Answered>> task;
    std::pair state(&promise, &task);
    const auto done = [](void* given) {
      auto& [to, from] = *static_cast<decltype(state)*>(given);
      to->set_value((*from)->take());
    };
    loop_.post([&] {
      task.emplace(client_->send_to_all_masters(std::move(command)));
      if (task->start(done, &state)) done(&state);
    });
    Answered answered = promise.get_future().get();
    come_to_rest();
    return answered;
  }

  // Until the loop has done what it was doing.
  void come_to_rest() {
    std::promise<void> at_rest;
    loop_.post([&] { at_rest.set_value(); });
    at_rest.get_future().wait();
  }

 private:
  struct Call {
    explicit Call(Command given) : command(std::move(given)) {}
    static void done(void* self) {
      const std::unique_ptr<Call> call(static_cast<Call*>(self));
      call->promise.set_value(call->task->take());
    }
    Command command;
    std::promise<Outcome> promise;
    std::optional<Task<Outcome>> task;
  };

  SeededEntropy entropy_{1};
  NoLog log_;
  net::Loop loop_;
  std::unique_ptr<Client> client_;
  const std::shared_ptr<const ClientCounters> counters_ = client_->counters();
};

std::string text_of(const Outcome& outcome) {
  if (!outcome) return "failure: " + outcome.error().error.detail;
  return outcome->reply.text;
}

// The servers of a test that does something to them.
RedisOptions quick(const std::string& url) {
  return {.url = url, .connect_timeout = 300ms, .command_timeout = 500ms};
}

TEST(ClusterClient, AnswersInTheOrderOfTheCommands) {
  ClientOnLoop client(testing::single_redis().url());
  std::vector<Command> commands;
  for (int i = 0; i < 1000; ++i) commands.push_back(command_of({"ECHO", std::to_string(i)}));
  auto futures = client.begin(std::move(commands));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(text_of(futures[static_cast<size_t>(i)].get()), std::to_string(i));
  }
  EXPECT_EQ(client.counters().connects.value(), 1u);
  EXPECT_EQ(client.counters().pending(), 0u);
}

TEST(ClusterClient, HandsOnErrorRepliesAndLargeValues) {
  ClientOnLoop client(testing::single_redis().url());
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(text_of(client.send({"SET", "large", large})), "OK");
  EXPECT_EQ(text_of(client.send({"GET", "large"})), large);
  EXPECT_EQ(client.send({"LPUSH", "large", "1"})->reply.error_code(), "WRONGTYPE");
}

TEST(ClusterClient, SaysHowManyReplicasAcknowledged) {
  // However long a replica takes on a busy machine.
  ClientOnLoop client(
      {.url = testing::redis_cluster().url(), .command_timeout = 30s, .wait_timeout = 20s});
  Command with_wait = command_of({"SET", "a", "1"});
  with_wait.replicas = 1;
  const auto outcome = client.send(with_wait);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->reply.text, "OK");
  EXPECT_EQ(outcome->replicas, 1u);

  ClientOnLoop alone({.url = testing::single_redis().url(), .wait_timeout = 20ms});
  const auto none = alone.send(with_wait);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->reply.text, "OK");
  EXPECT_EQ(none->replicas, 0u);
}

TEST(ClusterClient, FindsTheOwnerOfEachSlot) {
  ClientOnLoop client(testing::redis_cluster().url());
  for (int i = 0; i < 200; ++i) {
    const std::string key = "key" + std::to_string(i);
    EXPECT_EQ(text_of(client.send({"SET", key, key})), "OK");
    EXPECT_EQ(text_of(client.send({"GET", key})), key);
  }
  EXPECT_EQ(client.redirected(), 0u);
}

TEST(ClusterClient, SendsToAllMasters) {
  ClientOnLoop client(testing::redis_cluster().url());
  const auto outcomes = client.send_to_all_masters(Command(0, {"PING"}));
  ASSERT_TRUE(outcomes);
  ASSERT_EQ(outcomes->size(), 3u);
  EXPECT_TRUE(std::ranges::is_sorted(*outcomes, {}, &NodeOutcome::node));
  for (const NodeOutcome& one : *outcomes) EXPECT_EQ(text_of(one.outcome), "PONG");
}

// Slots of the cluster that tests move about: each test takes its own key.
struct Mover {
  explicit Mover(const std::string& key) : slot(std::to_string(slot_of(key))) {
    const Reply slots = ask(any(), {"CLUSTER", "SLOTS"});
    for (const Reply& range : slots.elements) {
      const Reply& master = range.elements[2];
      Node node{{master.elements[0].text, static_cast<uint16_t>(master.elements[1].integer)},
                master.elements[2].text};
      const bool owns =
          range.elements[0].integer <= slot_of(key) && slot_of(key) <= range.elements[1].integer;
      (owns ? from : to) = node;
      all.push_back(node);
    }
  }
  struct Node {
    NodeAddress address;
    std::string id;
  };
  static NodeAddress any() {
    const std::string url = testing::redis_cluster().url();
    const size_t colon = url.find(':', 8);
    return {"127.0.0.1", parsed_port(url.substr(colon + 1, url.find(',') - colon - 1)).value()};
  }
  static Reply ask(const NodeAddress& node, std::initializer_list<std::string_view> words) {
    testing::BlockingClient client(node);
    return client.send(Command(0, words)).take().value().reply;
  }
  void begin() const {
    ask(to.address, {"CLUSTER", "SETSLOT", slot, "IMPORTING", from.id});
    ask(from.address, {"CLUSTER", "SETSLOT", slot, "MIGRATING", to.id});
  }
  void migrate(const std::string& key) const {
    const std::string port = std::to_string(to.address.port);
    EXPECT_EQ(ask(from.address, {"MIGRATE", "127.0.0.1", port, key, "0", "5000"}).text, "OK");
  }
  void end() const {
    for (const Node& node : {to, from}) {
      EXPECT_EQ(ask(node.address, {"CLUSTER", "SETSLOT", slot, "NODE", to.id}).text, "OK");
    }
    for (const Node& node : all) ask(node.address, {"CLUSTER", "SETSLOT", slot, "NODE", to.id});
  }

  const std::string slot;
  Node from;
  Node to;
  std::vector<Node> all;
};

TEST(ClusterClient, FollowsASlotThatMoves) {
  ClientOnLoop client(testing::redis_cluster().url());
  ASSERT_EQ(text_of(client.send({"SET", "{moves}1", "one"})), "OK");
  const Mover mover("{moves}1");
  mover.begin();
  // The key is where it was; one that is nowhere is asked for at the new node.
  EXPECT_EQ(text_of(client.send({"GET", "{moves}1"})), "one");
  EXPECT_EQ(client.redirected(), 0u);
  EXPECT_EQ(text_of(client.send({"SET", "{moves}2", "two"})), "OK");  // ASK
  EXPECT_EQ(client.redirected(), 1u);
  // An ASK is for once: the owner is still the old one.
  EXPECT_EQ(text_of(client.send({"GET", "{moves}1"})), "one");
  EXPECT_EQ(client.redirected(), 1u);
  mover.migrate("{moves}1");
  mover.end();
  EXPECT_EQ(text_of(client.send({"GET", "{moves}1"})), "one");  // MOVED
  EXPECT_EQ(client.redirected(), 2u);
  EXPECT_EQ(text_of(client.send({"GET", "{moves}2"})), "two");
  EXPECT_EQ(client.redirected(), 2u);  // remembered
}

TEST(ClusterClient, TriesAgainWhileKeysOfACommandAreInTwoPlaces) {
  ClientOnLoop client(testing::redis_cluster().url());
  ASSERT_EQ(text_of(client.send({"MSET", "{apart}1", "one", "{apart}2", "two"})), "OK");
  const Mover mover("{apart}1");
  mover.begin();
  mover.migrate("{apart}1");
  auto waiting = client.begin({command_of({"MGET", "{apart}1", "{apart}2"})});
  while (client.counters().retried.value() == 0) std::this_thread::yield();  // TRYAGAIN
  mover.migrate("{apart}2");
  mover.end();
  const Outcome outcome = waiting.front().get();
  ASSERT_TRUE(outcome) << text_of(outcome);
  EXPECT_EQ(outcome->reply.elements.size(), 2u);
}

// One server that a test ends, starts, and stops as it likes.
class OwnServer {
 public:
  explicit OwnServer(const std::string& arguments = "")
      : servers_("--single --appendfsync off " + arguments) {}
  const std::string& url() const { return servers_.url(); }
  void signal(int number) const { ASSERT_EQ(::kill(pid(), number), 0); }
  void end() const {
    const pid_t old = pid();
    ASSERT_EQ(::kill(old, SIGKILL), 0);
    while (runs(old)) std::this_thread::yield();
  }
  void start() const {
    ASSERT_EQ(std::system(("redis-server " + (servers_.folder() / "node-0/redis.conf").string() +
                           " > /dev/null")
                              .c_str()),
              0);
  }
  std::string ca_file() const { return servers_.folder() / "tls/ca.crt"; }

 private:
  pid_t pid() const {
    std::ifstream file(servers_.folder() / "node-0/pid");
    pid_t pid = 0;
    file >> pid;
    return pid;
  }
  // Not one that has ended and that its parent has not asked for yet.
  static bool runs(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string stat;
    std::getline(file, stat);
    return !stat.empty() && stat.compare(stat.rfind(')'), 3, ") Z") != 0;
  }

  RedisServers servers_;
};

// Runs again after each test.
const OwnServer& own_server() {
  static const OwnServer server;
  return server;
}

TEST(ClusterClient, ComesBackAfterARestart) {
  const OwnServer& server = own_server();
  ClientOnLoop client({.url = server.url(), .command_timeout = 10s});
  ASSERT_EQ(text_of(client.send({"SET", "a", "1"})), "OK");
  server.end();
  while (client.counters().lost_connections.value() == 0) std::this_thread::yield();
  // Not executed for certain, so it is sent once there is somebody.
  auto waiting = client.begin({command_of({"SET", "a", "2"})});
  while (client.counters().connects_failed.value() == 0) std::this_thread::yield();
  server.start();
  EXPECT_EQ(text_of(waiting.front().get()), "OK");
  EXPECT_EQ(client.counters().connects.value(), 2u);
}

TEST(ClusterClient, SaysThatACommandMayHaveBeenExecuted) {
  const OwnServer& server = own_server();
  ClientOnLoop client(quick(server.url()));
  ASSERT_EQ(text_of(client.send({"SET", "a", "1"})), "OK");
  server.signal(SIGSTOP);
  const Outcome lost = client.send({"SET", "a", "2"});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().error.kind, ErrorKind::store_unavailable);
  EXPECT_TRUE(lost.error().maybe_executed);
  // The connection is given up; a new one opens when the server goes on.
  server.signal(SIGCONT);
  Outcome later = client.send(repeatable({"GET", "a"}));
  while (!later) later = client.send(repeatable({"GET", "a"}));
  EXPECT_THAT(text_of(later), ::testing::AnyOf("1", "2"));
}

TEST(ClusterClient, SendsAReadAgainWhenTheConnectionBreaks) {
  const OwnServer& server = own_server();
  ClientOnLoop client({.url = server.url(), .command_timeout = 10s});
  ASSERT_EQ(text_of(client.send({"SET", "a", "1"})), "OK");
  server.signal(SIGSTOP);
  auto read = client.begin({repeatable({"GET", "a"})});
  auto write = client.begin({command_of({"SET", "a", "2"})});
  // Both were written, and no other connection can be made meanwhile.
  client.come_to_rest();
  client.come_to_rest();
  server.end();
  const Outcome lost = write.front().get();
  ASSERT_FALSE(lost);
  EXPECT_TRUE(lost.error().maybe_executed);
  server.start();
  EXPECT_TRUE(read.front().get());
}

TEST(ClusterClient, RefusesWhatIsTooMuch) {
  RedisOptions options = quick(testing::single_redis().url());
  options.max_pending = 10;
  ClientOnLoop client(options);
  ASSERT_EQ(text_of(client.send({"SET", "a", "1"})), "OK");
  std::vector<Command> commands;
  for (int i = 0; i < 12; ++i) commands.push_back(command_of({"ECHO", "x"}));
  auto futures = client.begin(std::move(commands));
  size_t refused = 0;
  for (auto& future : futures) {
    const Outcome outcome = future.get();
    if (outcome) continue;
    ++refused;
    EXPECT_EQ(outcome.error().error.kind, ErrorKind::overloaded);
    EXPECT_FALSE(outcome.error().maybe_executed);
  }
  EXPECT_EQ(refused, 2u);
}

TEST(ClusterClient, NeedsThePassword) {
  OwnServer server("--password hunter2");
  EXPECT_EQ(text_of(ClientOnLoop(quick(server.url())).send({"SET", "a", "1"})), "OK");
  for (const char* const password : {"", "wrong"}) {
    RedisOptions options = quick(server.url());
    options.url.erase(8, options.url.find('@') - 7);
    options.password = password;
    const Outcome outcome = ClientOnLoop(options).send({"GET", "a"});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().error.kind, ErrorKind::store_unavailable);
    EXPECT_FALSE(outcome.error().maybe_executed);
  }
}

TEST(ClusterClient, TrustsOnlyACertificateItCanCheck) {
  OwnServer server("--tls --set 'bind * -::*'");
  RedisOptions options = quick(server.url());
  options.connect_timeout = options.command_timeout = 2000ms;
  options.ca_file = server.ca_file();
  EXPECT_EQ(text_of(ClientOnLoop(options).send({"SET", "a", "1"})), "OK");

  options.command_timeout = 500ms;
  options.ca_file.clear();  // nobody in the system knows the authority
  EXPECT_FALSE(ClientOnLoop(options).send({"GET", "a"}));
  options.verify = TlsVerify::none;
  EXPECT_EQ(text_of(ClientOnLoop(options).send({"GET", "a"})), "1");

  // An address of this machine that the certificate does not hold.
  options.ca_file = server.ca_file();
  options.url.replace(options.url.find("127.0.0.1"), 9, "127.1.2.3");
  options.verify = TlsVerify::ca;
  EXPECT_EQ(text_of(ClientOnLoop(options).send({"GET", "a"})), "1");
  options.verify = TlsVerify::full;
  EXPECT_FALSE(ClientOnLoop(options).send({"GET", "a"}));
}

TEST(ClusterClient, FailsWhatWaitsWhenItIsClosed) {
  ClientOnLoop client(RedisOptions{.url = "redis://127.0.0.1:1", .command_timeout = 60s});
  auto waiting = client.begin({command_of({"GET", "a"}), command_of({"GET", "b"})});
  client.loop().post([&] { client.client().close(); });
  for (auto& future : waiting) {
    const Outcome outcome = future.get();
    ASSERT_FALSE(outcome);
    EXPECT_FALSE(outcome.error().maybe_executed);
  }
  EXPECT_FALSE(client.send({"GET", "a"}));
  EXPECT_EQ(client.counters().pending(), 0u);
}

TEST(ClusterClient, LetsATaskBeDestroyedWhileItWaits) {
  ClientOnLoop client(testing::single_redis().url());
  ASSERT_EQ(text_of(client.send({"DEL", "left"})), "");
  std::promise<void> destroyed;
  client.loop().post([&] {
    {
      Task<Outcome> task = client.client().send(command_of({"SET", "left", "1"}));
      task.start([](void*) { ADD_FAILURE() << "resumed"; }, nullptr);
    }
    destroyed.set_value();
  });
  destroyed.get_future().wait();
  EXPECT_EQ(text_of(client.send({"GET", "left"})), "1");  // behind it, on the same connection
}

TEST(Access, SaysWhatIsWrongWithItsOptions) {
  const auto detail = [](const RedisOptions& options) {
    const auto access = make_access(options);
    return access ? std::string() : access.error().detail;
  };
  EXPECT_EQ(detail({}), "");
  EXPECT_THAT(detail({.url = "http://a"}), HasSubstr("redis://"));
  EXPECT_THAT(detail({.username = "u"}), HasSubstr("needs a password"));
  EXPECT_THAT(detail({.ca_file = "/ca"}), HasSubstr("rediss://"));
  EXPECT_THAT(detail({.url = "rediss://a", .ca_file = "/no/such"}), HasSubstr("/no/such"));
  EXPECT_THAT(detail({.url = "rediss://a", .ca_file = "/"}), HasSubstr("it is a directory"));
  EXPECT_THAT(detail({.url = "rediss://a", .ca_file = REDIS_CLUSTER}), HasSubstr("no certificate"));
  EXPECT_THAT(detail({.url = "rediss://a", .key_file = "/k"}), HasSubstr("neither"));
  EXPECT_THAT(detail({.max_pending = 0}), HasSubstr("max_pending"));
}

}  // namespace
}  // namespace sojourn::redis
