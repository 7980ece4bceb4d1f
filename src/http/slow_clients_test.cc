// Clients that do not read, that read slowly, and that hold many connections, over real sockets.
#include <gtest/gtest.h>

#include "server_test_kit.h"

namespace sojourn::http {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// A client whose kernel takes little of what it is sent until it reads.
class SlowClient : public TestClient {
 public:
  explicit SlowClient(const TestServer& server) : TestClient(server.port(), nullptr, 16 * 1024) {}
};

constexpr size_t kPage = TestService::kPage;

ServerOptions patient() { return {.header_timeout = hours(1), .idle_timeout = hours(1)}; }

ServerOptions patient_with_room_for(size_t pages) {
  ServerOptions options = patient();
  options.max_unsent_bytes = pages * kPage;
  return options;
}

bool holds(const TestServer& server, size_t bytes) {
  return eventually([&] { return server.server->unsent_bytes() == bytes; });
}

TEST(UnreadAnswer, ALongOneThatDoesNotFitTheBudgetIsRefused) {
  TestServer server(patient_with_room_for(2));
  auto first = std::make_unique<SlowClient>(server);
  SlowClient second(server);
  ASSERT_TRUE(first->send(get("/page")));
  ASSERT_TRUE(second.send(get("/page")));
  ASSERT_TRUE(holds(server, 2 * kPage));

  SlowClient third(server);
  ASSERT_TRUE(third.send(get("/page")));
  const Answer refused = third.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, "OVERLOADED");
  EXPECT_TRUE(refused.has("Retry-After: 1"));
  EXPECT_TRUE(refused.has("Connection: close"));
  EXPECT_TRUE(third.is_closed());
  EXPECT_EQ(server.server->unsent_refusals(), 1U);
  SlowClient fourth(server);
  ASSERT_TRUE(fourth.send(get("/small") + "HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(fourth.receive().body, "/small?") << "short ones are";
  EXPECT_EQ(fourth.receive(true).status, 200) << "it is not sent";

  first.reset();
  ASSERT_TRUE(holds(server, kPage));
  ASSERT_TRUE(fourth.send(get("/page")));
  EXPECT_EQ(fourth.receive().body.size(), kPage);
  EXPECT_EQ(second.receive().body.size(), kPage) << "who waited gets the whole";
  EXPECT_TRUE(holds(server, 0));
  EXPECT_EQ(server.server->unsent_refusals(), 1U);
}

TEST(UnreadAnswer, OfWhatIsDoneIsNeverRefused) {
  ServerOptions options = patient_with_room_for(1);
  options.max_body_bytes = kPage;
  TestServer server(options);
  SlowClient first(server);
  ASSERT_TRUE(first.send(get("/page")));
  ASSERT_TRUE(holds(server, kPage));
  SlowClient second(server);
  ASSERT_TRUE(second.send(post(std::string(kPage, 'p'))));
  EXPECT_TRUE(holds(server, 2 * kPage));
  EXPECT_EQ(second.receive().body, std::string(kPage, 'p'));
  EXPECT_TRUE(holds(server, kPage));
}

TEST(UnreadAnswer, OfAPipelineOnlyOneIsMade) {
  TestServer server(patient());
  SlowClient client(server);
  std::string pipeline;
  for (int i = 0; i < 50; ++i) pipeline += get("/page");
  ASSERT_TRUE(client.send(pipeline));
  ASSERT_TRUE(holds(server, kPage));
  EXPECT_EQ(server.service.answered, 1);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.receive().body.size(), kPage) << i;
  EXPECT_EQ(server.service.answered, 50);
  EXPECT_TRUE(holds(server, 0));
}

TEST(UnreadAnswer, OfAPipelineOfSmallOnesFewAreMade) {
  TestServer server(patient());
  SlowClient client(server);
  std::string pipeline;
  for (int i = 0; i < 200; ++i) pipeline += get("/60k");
  ASSERT_TRUE(client.send(pipeline));
  EXPECT_TRUE(eventually([&] { return server.server->unsent_bytes() > 0; }));
  EXPECT_LE(server.server->unsent_bytes(), 2 * 64U * 1024);
  EXPECT_LT(server.service.answered, 100);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(client.receive().body.size(), 60'000U) << i;
  EXPECT_TRUE(holds(server, 0));
}

TEST(UnreadAnswer, LongAndShortOnesKeepTheirOrder) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/1") + get("/page") + get("/2") + get("/wait?3") + get("/page") +
                          "HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n" + get("/close")));
  EXPECT_EQ(client.receive().body, "/1?");
  EXPECT_EQ(client.receive().body, std::string(kPage, 'b'));
  EXPECT_EQ(client.receive().body, "/2?");
  ASSERT_TRUE(server.service.gate.release());
  EXPECT_EQ(client.receive().body, "waited 3");
  EXPECT_EQ(client.receive().body, std::string(kPage, 'b'));
  EXPECT_TRUE(client.receive(true).has("Content-Length: " + std::to_string(kPage)));
  EXPECT_EQ(client.receive().body, "/close?");
  EXPECT_TRUE(client.is_closed());
}

// The client has read nothing, but the two kernels took all of the answer.
TEST(UnreadAnswer, InTheKernelIsNotHeldForTheIdleTimeOut) {
  TestServer server({.header_timeout = milliseconds(300), .idle_timeout = hours(1)});
  SlowClient client(server);
  ASSERT_TRUE(client.send(get("/60k")));
  EXPECT_TRUE(eventually([&] { return server.service.answered == 1; }));
  EXPECT_EQ(server.server->unsent_bytes(), 0U);
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 0; }));
  EXPECT_EQ(server.server->stalled_connections(), 1U);
}

TEST(UnreadAnswer, ThatIsStalledEndsItsConnection) {
  TestServer server({.header_timeout = milliseconds(300), .idle_timeout = hours(1)});
  SlowClient client(server);
  ASSERT_TRUE(client.send(get("/page")));
  EXPECT_TRUE(holds(server, kPage));
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 0; }));
  EXPECT_EQ(server.server->stalled_connections(), 1U);
  EXPECT_EQ(server.server->unsent_bytes(), 0U);
}

// It takes several times header_timeout for the whole, and never stops.
TEST(UnreadAnswer, ThatIsReadSlowlyIsSentWhole) {
  TestServer server({.header_timeout = milliseconds(400), .idle_timeout = hours(1)});
  SlowClient client(server);
  ASSERT_TRUE(client.send(get("/page")));
  std::string head = client.receive_bytes(100);
  ASSERT_TRUE(head.starts_with("HTTP/1.1 200 "));
  size_t received = head.size();
  for (;;) {
    const std::string bytes = client.receive_bytes(16 * 1024);
    if (received += bytes.size(); bytes.size() < 16 * 1024 || received >= kPage) break;
    std::this_thread::sleep_for(milliseconds(30));  // the slow client itself, not a wait
  }
  EXPECT_GE(received, kPage);
  EXPECT_EQ(server.server->stalled_connections(), 0U);
}

// A client cannot hold an answer by taking a little of it now and then.
TEST(UnreadAnswer, OfWhichLittleIsTakenEndsItsConnection) {
  TestServer server({.header_timeout = milliseconds(300), .idle_timeout = hours(1)});
  SlowClient client(server);
  ASSERT_TRUE(client.send(get("/page")));
  EXPECT_TRUE(holds(server, kPage));
  for (int i = 0; server.server->open_connections() == 1 && i < 3000; ++i) {
    client.receive_bytes(128);
    std::this_thread::sleep_for(milliseconds(10));  // the slow client itself, not a wait
  }
  EXPECT_EQ(server.server->open_connections(), 0U);
  EXPECT_EQ(server.server->stalled_connections(), 1U);
}

TEST(UnreadStream, HoldsOnePieceOfTheBudget) {
  class Long final : public BodyStream {
   public:
    Task<Step> next(std::string& out) override {
      out.assign(kPage, 's');
      return ++given_ == 3 ? Step::end : Step::more;
    }

   private:
    int given_ = 0;
  };
  ServerOptions options = patient();
  options.max_unsent_bytes = kPage * 3 / 2;
  TestServer server(options);
  server.service.stream_of = [] { return std::make_unique<Long>(); };
  SlowClient first(server);
  ASSERT_TRUE(first.send(get("/stream")));
  EXPECT_TRUE(eventually([&] { return server.server->unsent_bytes() > kPage; }));
  SlowClient second(server);
  ASSERT_TRUE(second.send(get("/stream")));
  EXPECT_FALSE(second.receive_rest().first.ends_with("0\r\n\r\n")) << "it is cut";
  EXPECT_EQ(server.server->unsent_refusals(), 1U);
  EXPECT_TRUE(first.receive_rest().first.ends_with("0\r\n\r\n"));
  EXPECT_TRUE(holds(server, 0));
}

TEST(OneClient, MayHoldSoManyConnections) {
  TestServer server({.max_connections = 10, .max_connections_per_client = 2});
  auto first = std::make_unique<TestClient>(server);
  TestClient second(server);
  for (TestClient* client : {first.get(), &second}) {
    ASSERT_TRUE(client->send(get("/1")));
    EXPECT_EQ(client->receive().status, 200);
  }
  for (int i = 0; i < 3; ++i) {
    TestClient third(server);
    ASSERT_TRUE(third.send(get("/3")));
    const Answer answer = third.receive();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.body, "OVERLOADED");
    EXPECT_TRUE(answer.has("Retry-After: 1"));
    EXPECT_TRUE(third.is_closed());
  }
  EXPECT_EQ(server.server->turned_away_clients(), 3U);
  EXPECT_EQ(server.server->turned_away_connections(), 0U);

  TestClient other(server, "127.0.0.2");
  ASSERT_TRUE(other.send(get("/4")));
  EXPECT_EQ(other.receive().status, 200) << "another client has its own";

  first.reset();
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 2; }));
  TestClient fifth(server);
  ASSERT_TRUE(fifth.send(get("/5")));
  EXPECT_EQ(fifth.receive().status, 200);
}

TEST(OneClient, IsNoTrustedProxy) {
  TestServer server({.max_connections = 10,
                     .max_connections_per_client = 1,
                     .trusted_proxies = {IpNetwork::parse("127.0.0.1").value()}});
  TestClient first(server), second(server), third(server);
  for (TestClient* client : {&first, &second, &third}) {
    ASSERT_TRUE(client->send(get("/1")));
    EXPECT_EQ(client->receive().status, 200);
  }
  TestClient one(server, "127.0.0.2"), too_many(server, "127.0.0.2");
  ASSERT_TRUE(one.send(get("/1")));
  EXPECT_EQ(one.receive().status, 200);
  ASSERT_TRUE(too_many.send(get("/1")));
  EXPECT_EQ(too_many.receive().status, 503);
}

// Places are given back by the count they were taken from, whatever was reloaded since.
TEST(OneClient, KeepsItsCountOverReloads) {
  const auto with = [](size_t most, std::vector<IpNetwork> proxies) {
    return ServerSetup::make({.listen = "127.0.0.1:0",
                              .max_connections_per_client = most,
                              .trusted_proxies = std::move(proxies)})
        .value();
  };
  TestServer server({.max_connections_per_client = 0});
  auto first = std::make_unique<TestClient>(server);
  auto second = std::make_unique<TestClient>(server);
  for (TestClient* client : {first.get(), second.get()}) {
    ASSERT_TRUE(client->send(get("/1")));
    EXPECT_EQ(client->receive().status, 200);
  }
  server.server->reload(with(2, {}));
  const auto status = [&] {
    TestClient client(server);
    return client.send(get("/1")) ? client.receive().status : 0;
  };
  EXPECT_TRUE(eventually([&] { return status() == 503; })) << "those before it count";
  server.server->reload(with(2, {IpNetwork::parse("127.0.0.0/8").value()}));
  EXPECT_TRUE(eventually([&] { return status() == 200; }));
  first.reset();
  second.reset();
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 0; }));
  server.server->reload(with(1, {}));
  EXPECT_TRUE(eventually([&] { return status() == 200; }));
  TestClient only(server);
  EXPECT_TRUE(eventually([&] { return status() == 503; }));
}

}  // namespace
}  // namespace sojourn::http
