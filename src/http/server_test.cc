// Requests and answers over real sockets. Limits, time-outs and the drain: server_limits_test.cc.
#include "http/server.h"

#include <gtest/gtest.h>

#include "server_test_kit.h"

namespace sojourn::http {
namespace {

TEST(Server, AnswersWithTheFieldsOfEveryAnswer) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/a?b=c")));
  const Answer answer = client.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "/a?b=c");
  EXPECT_TRUE(answer.has("Content-Type: application/json"));
  EXPECT_TRUE(answer.has("Cache-Control: no-store"));
  EXPECT_TRUE(answer.has("X-Content-Type-Options: nosniff"));
  EXPECT_TRUE(answer.has("Content-Length: 6"));
  EXPECT_TRUE(answer.has_field("Date"));
  EXPECT_FALSE(answer.has_field("Server"));
  EXPECT_FALSE(answer.has_field("Connection"));
}

TEST(Server, KeepsTheConnection) {
  TestServer server;
  TestClient client(server);
  for (int i = 0; i < 5; ++i) {
    const std::string body(static_cast<size_t>(i) * 1000 + 1, 'x');
    ASSERT_TRUE(client.send(post(body)));
    EXPECT_EQ(client.receive().body, body);
  }
  EXPECT_EQ(server.server->open_connections(), 1u);
}

TEST(Server, AnswersAPipelineInOrder) {
  TestServer server;
  TestClient client(server);
  std::string pipeline;
  for (int i = 0; i < 200; ++i) {
    pipeline += i % 3 == 0 ? post("body " + std::to_string(i)) : get("/" + std::to_string(i));
  }
  ASSERT_TRUE(client.send(pipeline));
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(client.receive().body, i % 3 == 0 ? "body " + n : "/" + n + "?");
  }
}

TEST(Server, AnswersAPipelineByteByByte) {
  TestServer server;
  TestClient client(server);
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: u\r\n\r\n";
  for (const char c : get("/1") + chunked + "\r\n" + post("2")) {
    ASSERT_TRUE(client.send(std::string_view(&c, 1)));
  }
  EXPECT_EQ(client.receive().body, "/1?");
  EXPECT_EQ(client.receive().body, "abcde");
  EXPECT_EQ(client.receive().body, "2");
}

TEST(Server, HeadHasTheHeadOfGet) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + get("/b")));
  const Answer head = client.receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.has("Content-Length: 3"));
  EXPECT_TRUE(head.has("Content-Type: application/json"));
  EXPECT_EQ(client.receive().body, "/b?");
}

TEST(Server, Http10ClosesUnlessAskedNotTo) {
  TestServer server;
  TestClient keeps(server);
  ASSERT_TRUE(keeps.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_TRUE(keeps.receive().has("Connection: keep-alive"));
  ASSERT_TRUE(keeps.send("GET /2 HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps.receive().has("Connection: close"));
  EXPECT_TRUE(keeps.is_closed());
}

TEST(Server, ClosesWhenAsked) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/1", "Connection: close\r\n") + get("/2")));
  const Answer answer = client.receive();
  EXPECT_EQ(answer.body, "/1?");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());

  TestClient by_service(server);
  ASSERT_TRUE(by_service.send(get("/close")));
  EXPECT_TRUE(by_service.receive().has("Connection: close"));
  EXPECT_TRUE(by_service.is_closed());
}

TEST(Server, SaysContinueWhenTheBodyIsAwaited) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.receive().status, 100);
  ASSERT_TRUE(client.send("abc"));
  EXPECT_EQ(client.receive().body, "abc");
  ASSERT_TRUE(client.send(post("def", "Expect: 100-continue\r\n")));  // already here
  EXPECT_EQ(client.receive().body, "def");
}

TEST(Server, AServiceMayWait) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/1") + get("/wait?a") + get("/3")));
  // The answer before it does not wait with it; the one after it does.
  EXPECT_EQ(client.receive().body, "/1?");
  ASSERT_TRUE(server.service.gate.wait_for_request());
  EXPECT_TRUE(client.is_silent());
  ASSERT_TRUE(server.service.gate.release());
  EXPECT_EQ(client.receive().body, "waited a");
  EXPECT_EQ(client.receive().body, "/3?");
}

TEST(Server, WaitingServicesDoNotHoldUpOtherConnections) {
  TestServer server;
  TestClient waits(server);
  ASSERT_TRUE(waits.send(get("/wait")));
  ASSERT_TRUE(server.service.gate.wait_for_request());
  TestClient other(server);
  ASSERT_TRUE(other.send(get("/2")));
  EXPECT_EQ(other.receive().body, "/2?");
  ASSERT_TRUE(server.service.gate.release());
  EXPECT_EQ(waits.receive().body, "waited ");
}

TEST(Server, ManyWaitsInAPipeline) {
  TestServer server;
  TestClient client(server);
  std::string pipeline;
  for (int i = 0; i < 50; ++i) pipeline += get("/wait?" + std::to_string(i));
  ASSERT_TRUE(client.send(pipeline));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(server.service.gate.release());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.receive().body, "waited " + std::to_string(i));
}

TEST(Server, AServiceThatThrowsIsAnInternalError) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/throw") + get("/wait-and-throw") + get("/3")));
  Answer answer = client.receive();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "INTERNAL");
  ASSERT_TRUE(server.service.gate.release());
  answer = client.receive();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "INTERNAL");
  EXPECT_EQ(client.receive().body, "/3?");
}

TEST(Server, ThePeerMayLeaveWhileItsServiceWaits) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/1") + get("/wait") + get("/3")));
  ASSERT_TRUE(server.service.gate.wait_for_request());
  client.close();  // with an answer unread, so that the server sees a reset
  TestClient other(server);
  ASSERT_TRUE(other.send(get("/2")));
  EXPECT_EQ(other.receive().body, "/2?");
  EXPECT_EQ(server.server->open_connections(), 2u);
  ASSERT_TRUE(server.service.gate.release());
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 1; }));
  EXPECT_EQ(server.service.waits_ended, 1);
}

TEST(Server, ABadRequestIsAnsweredAndClosed) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/1") +
                          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
                          get("/3")));
  EXPECT_EQ(client.receive().body, "/1?");
  const Answer answer = client.receive();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, "BAD_REQUEST");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(answer.has_field("Date"));
  EXPECT_TRUE(client.is_closed());
}

TEST(Server, ALargeAnswerArrivesWhole) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/big") + get("/2")));
  EXPECT_EQ(client.receive().body, std::string(TestService::kBig, 'b'));
  EXPECT_EQ(client.receive().body, "/2?");
}

TEST(Server, SeveralLoopsShareOneAddress) {
  net::Loop first;
  net::Loop second;
  TestService one(first);
  TestService two(second);
  auto server = Server::listen({.options = {.listen = "127.0.0.1:0"}}, {&first, &second},
                               [&](size_t loop) -> Service& { return loop == 0 ? one : two; });
  ASSERT_TRUE(server.has_value());
  first.start();
  second.start();
  const auto port = static_cast<in_port_t>(std::stoi((*server)->address().substr(10)));
  // The kernel spreads connections by their port: both loops get some of many.
  int seen[2] = {0, 0};
  for (int i = 0; i < 200 && (seen[0] == 0 || seen[1] == 0); ++i) {
    TestClient client(port);
    ASSERT_TRUE(client.send(get("/wait")));
    ASSERT_TRUE(eventually([&] {
      return one.waits_ended + two.waits_ended > 0 || one.gate.has_request() ||
             two.gate.has_request();
    }));
    TestService& service = one.gate.has_request() ? one : two;
    ++seen[&service == &one ? 0 : 1];
    ASSERT_TRUE(service.gate.release());
    EXPECT_EQ(client.receive().status, 200);
    one.waits_ended = two.waits_ended = 0;
  }
  EXPECT_GT(seen[0], 0);
  EXPECT_GT(seen[1], 0);
  (*server)->drain();
  EXPECT_TRUE((*server)->wait_until_drained(kTestLimit));
  first.stop();
  second.stop();
}

TEST(Server, AnAddressThatIsTakenIsAClearError) {
  TestServer server;
  net::Loop loop;
  const auto second = Server::listen({.options = {.listen = server.server->address()}}, {&loop},
                                     [&](size_t) -> Service& { return server.service; });
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::invalid_parameter);
  EXPECT_NE(second.error().detail.find(server.server->address() + ": the address is in use"),
            std::string::npos)
      << second.error().detail;
}

TEST(Server, AnAddressThatIsNoneIsAClearError) {
  net::Loop loop;
  TestService service(loop);
  for (const auto* address : {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                              "127.0.0.1:8o", "192.0.2.1:0"}) {
    const auto server = Server::listen({.options = {.listen = address}}, {&loop},
                                       [&](size_t) -> Service& { return service; });
    ASSERT_FALSE(server.has_value()) << address;
    EXPECT_TRUE(
        server.error().detail.starts_with(std::string("Cannot listen on ") + address + ": "))
        << server.error().detail;
  }
}

TEST(Server, StoppingItsLoopWithOpenConnectionsLosesNoMemory) {
  // What the address sanitizer checks here: an idle connection and one in the middle of a request.
  auto loop = std::make_unique<net::Loop>();
  TestService service(*loop);
  auto server = Server::listen({.options = {.listen = "127.0.0.1:0"}}, {loop.get()},
                               [&](size_t) -> Service& { return service; });
  ASSERT_TRUE(server.has_value());
  loop->start();
  const auto port = static_cast<in_port_t>(std::stoi((*server)->address().substr(10)));
  TestClient idle(port);
  TestClient begun(port);
  ASSERT_TRUE(idle.send(get("/1")));
  EXPECT_EQ(idle.receive().status, 200);
  ASSERT_TRUE(begun.send("GET /"));
  EXPECT_TRUE(eventually([&] { return (*server)->open_connections() == 2; }));
  loop->stop();
  server->reset();
  loop.reset();
  EXPECT_TRUE(idle.is_closed());
}

}  // namespace
}  // namespace sojourn::http
