// Limits, time-outs and the drain, over real sockets.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <future>

#include "server_test_kit.h"

namespace sojourn::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

ServerOptions short_header_timeout() {
  return {.header_timeout = milliseconds(200), .idle_timeout = std::chrono::hours(1)};
}

TEST(Limits, ARequestThatDoesNotArriveIsTimedOut) {
  TestServer server(short_header_timeout());
  for (const auto* begun : {"\r\nG", "GET /", "GET / HTTP/1.1\r\nHost: h\r\n",
                            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab"}) {
    TestClient client(server);
    ASSERT_TRUE(client.send(begun));
    const Answer answer = client.receive();
    EXPECT_EQ(answer.status, 408) << begun;
    EXPECT_EQ(answer.body, "REQUEST_TIMEOUT");
    EXPECT_TRUE(answer.has("Connection: close"));
    EXPECT_TRUE(client.is_closed());
  }
}

TEST(Limits, AConnectionOnWhichNoRequestBeginsIsClosedSilently) {
  TestServer server({.header_timeout = milliseconds(50), .idle_timeout = milliseconds(400)});
  for (const auto* begun : {"", "\r\n", "\r", "\r\n\r"}) {
    TestClient client(server);
    const auto begin = steady_clock::now();
    ASSERT_TRUE(client.send(begun));
    EXPECT_TRUE(client.is_closed()) << begun;
    EXPECT_GT(steady_clock::now() - begin, milliseconds(300)) << "it was taken for a request";
  }
}

TEST(Limits, ATimedOutHeadHasNoBody) {
  TestServer server(short_header_timeout());
  for (const auto* begun :
       {"HEAD", "HEAD /", "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab"}) {
    TestClient client(server);
    ASSERT_TRUE(client.send(begun));
    EXPECT_EQ(client.receive(true).status, 408) << begun;
    EXPECT_TRUE(client.is_closed());
  }
}

TEST(Limits, WhatCannotBeARequestIsNotWaitedFor) {
  TestServer server({.header_timeout = std::chrono::hours(1)});
  TestClient client(server);
  ASSERT_TRUE(client.send("\xFF"));
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_TRUE(client.is_closed());
}

TEST(Limits, AByteNowAndThenDoesNotHelp) {
  TestServer server(short_header_timeout());
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/1")));
  EXPECT_EQ(client.receive().status, 200);
  // A slow body of the second request. The limit of the loop is far beyond the time-out.
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n"));
  bool taken = true;
  for (int i = 0; taken && client.is_silent() && i < 2000; ++i) {
    taken = client.send("x");
    std::this_thread::sleep_for(milliseconds(10));  // the slow client itself, not a wait
  }
  EXPECT_EQ(client.receive().status, 408);
}

TEST(Limits, AnIdleConnectionIsClosedSilently) {
  TestServer server({.header_timeout = std::chrono::hours(1), .idle_timeout = milliseconds(200)});
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/1")));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.is_closed());
}

TEST(Limits, AServiceMayWaitLongerThanAnyTimeOut) {
  TestServer server({.header_timeout = milliseconds(100), .idle_timeout = milliseconds(100)});
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/wait")));
  ASSERT_TRUE(server.service.gate.wait_for_request());
  // Another connection is timed out meanwhile, so the time-outs were looked at.
  TestClient other(server);
  ASSERT_TRUE(other.send("G"));
  EXPECT_EQ(other.receive().status, 408);
  ASSERT_TRUE(server.service.gate.release());
  EXPECT_EQ(client.receive().body, "waited ");
}

TEST(Limits, AClientThatDoesNotReadIsClosed) {
  TestServer server(short_header_timeout());
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/big")));
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 1; }));
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 0; }));
}

TEST(Limits, AClientThatDoesNotReadIsClosedAfterItsServiceIsDone) {
  TestServer server(short_header_timeout());
  TestClient client(server);
  std::string pipeline;  // each answer of 60 kB is sent while the /wait behind it waits
  for (int i = 0; i < 600; ++i) pipeline += get("/60k") + get("/wait");
  ASSERT_TRUE(client.send(pipeline));
  int released = 0;
  for (;;) {
    ASSERT_TRUE(eventually([&] {
      return server.service.gate.has_request() ||
             (released > 0 && server.server->open_connections() == 0);
    }));
    if (!server.service.gate.has_request()) break;
    ASSERT_TRUE(server.service.gate.release());
    ++released;
  }
  EXPECT_TRUE(eventually([&] { return server.service.waits_ended == released; }));
  EXPECT_LT(released, 600);
}

TEST(Limits, AHeadThatIsTooLarge) {
  TestServer server({.max_header_bytes = 2048});
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/1", "A: " + std::string(1900, 'a') + "\r\n")));
  EXPECT_EQ(client.receive().status, 200);
  ASSERT_TRUE(client.send(get("/2", "A: " + std::string(100'000, 'a') + "\r\n")));
  const Answer answer = client.receive();
  EXPECT_EQ(answer.status, 431);
  EXPECT_EQ(answer.body, "HEADERS_TOO_LARGE");
  EXPECT_TRUE(client.is_closed());
}

TEST(Limits, ABodyThatIsTooLargeIsRefusedBeforeItIsSent) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.receive().status, 413);  // and no 100
  EXPECT_TRUE(client.is_closed());
}

TEST(Limits, AClientThatIsStillSendingSeesThe413) {
  TestServer server;
  for (const auto* framing :
       {"Content-Length: 4000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3d0900\r\n"}) {
    TestClient client(server);
    ASSERT_TRUE(client.send(std::string("POST / HTTP/1.1\r\nHost: h\r\n") + framing));
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(client.send(std::string(100'000, 'x'))) << i;
    const Answer answer = client.receive();
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.body, "BODY_TOO_LARGE");
    EXPECT_TRUE(client.is_closed());
  }
}

TEST(Limits, AChunkedBodyIsRefusedAsItPassesTheLimit) {
  TestServer server({.max_body_bytes = 10});
  TestClient client(server);
  ASSERT_TRUE(
      client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "8\r\n12345678\r\n3\r\n"));
  EXPECT_EQ(client.receive().status, 413);
}

TEST(Limits, OneConnectionTooMany) {
  TestServer server({.max_connections = 2});
  auto first = std::make_unique<TestClient>(server);
  TestClient second(server);
  for (TestClient* client : {first.get(), &second}) {
    ASSERT_TRUE(client->send(get("/1")));
    EXPECT_EQ(client->receive().status, 200);
  }
  {
    TestClient third(server);
    ASSERT_TRUE(third.send(get("/3")));
    const Answer answer = third.receive();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.body, "OVERLOADED");
    EXPECT_TRUE(answer.has("Retry-After: 1"));
    EXPECT_TRUE(answer.has("Connection: close"));
    EXPECT_TRUE(third.is_closed());
  }
  {
    TestClient silent(server);
    EXPECT_TRUE(silent.is_closed()) << "nobody asked";
  }
  first.reset();
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 1; }));
  TestClient fourth(server);
  ASSERT_TRUE(fourth.send(get("/4")));
  EXPECT_EQ(fourth.receive().status, 200);
}

TEST(Limits, AnyNumberOneAfterTheOtherIsTold) {
  TestServer server({.max_connections = 1, .max_turned_away = 3});
  TestClient first(server);
  ASSERT_TRUE(first.send(get("/1")));
  EXPECT_EQ(first.receive().status, 200);
  for (int i = 0; i < 10; ++i) {
    TestClient another(server);
    const bool head = i % 2 == 1;
    ASSERT_TRUE(another.send(head ? "\r\nHEAD /2 HTTP/1.1\r\nHost: h\r\n\r\n" : get("/2")));
    EXPECT_EQ(another.receive(head).status, 503) << i;
    EXPECT_TRUE(another.is_closed());
  }
  EXPECT_EQ(server.server->turned_away_connections(), 10U);
}

TEST(Limits, OnlySoManyAreToldAtOnce) {
  TestServer server({.max_connections = 1, .max_turned_away = 2});
  TestClient first(server);
  ASSERT_TRUE(first.send(get("/1")));
  EXPECT_EQ(first.receive().status, 200);
  // They have their 503 and do not close: the server waits for that.
  TestClient second(server), third(server);
  ASSERT_TRUE(second.send(get("/2")));
  ASSERT_TRUE(third.send(get("/3")));
  EXPECT_EQ(second.receive().status, 503);
  EXPECT_EQ(third.receive().status, 503);
  TestClient fourth(server);
  EXPECT_TRUE(fourth.is_closed());
  EXPECT_EQ(server.server->turned_away_connections(), 3U);
}

// Room for `free` more descriptors in this process, while it lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t free) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(STDOUT_FILENO);
    ::close(next);
    const rlimit low{.rlim_cur = static_cast<rlim_t>(next) + free, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// Returns when the loop has done what it was given before. Then its listener is not inside
// accept(2), which holds a descriptor also while there is no client. The first post may run
// together with an earlier one, ahead of the loop's other work; the second runs behind that.
void settle(net::Loop& loop) {
  for (int i = 0; i < 2; ++i) {
    std::promise<void> done;
    loop.post([&] { done.set_value(); });
    done.get_future().wait();
  }
}

TEST(Limits, WithoutADescriptorAClientIsClosedAndDoesNotWait) {
  TestServer server;
  settle(server.loop);
  {
    const FewDescriptors few(1);  // for the client's end
    for (uint64_t i = 1; i <= 3; ++i) {
      settle(server.loop);
      TestClient client(server);
      EXPECT_TRUE(client.is_closed());
      EXPECT_TRUE(eventually([&] { return server.server->failed_accepts() == i; }));
      EXPECT_EQ(server.server->last_accept_error(), EMFILE);
    }
  }
  // The listener may still be at closing the next in line when there is room again.
  EXPECT_TRUE(eventually([&] {
    TestClient client(server);
    return client.send(get("/1")) && client.receive().status == 200;
  }));
  EXPECT_LE(server.server->failed_accepts(), 4U);
}

// accept(2) fails for want of a descriptor also when there is no client.
TEST(Limits, WithoutADescriptorAndWithoutClientsNothingIsCounted) {
  TestServer server;
  settle(server.loop);
  const FewDescriptors few(1);
  TestClient client(server);
  EXPECT_TRUE(client.is_closed());
  std::atomic<bool> passed = false;  // the time of several tries
  server.loop.after(milliseconds(500), [&] { passed = true; });
  EXPECT_TRUE(eventually([&] { return passed.load(); }));
  EXPECT_EQ(server.server->failed_accepts(), 1U);
}

TEST(Drain, ClosesIdleConnectionsAndAcceptsNoMore) {
  TestServer server;
  TestClient fresh(server);
  TestClient idle(server);
  ASSERT_TRUE(idle.send(get("/1")));
  EXPECT_EQ(idle.receive().status, 200);
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 2; }));
  server.server->drain();
  EXPECT_TRUE(idle.is_closed());
  EXPECT_TRUE(fresh.is_closed());
  EXPECT_TRUE(server.server->wait_until_drained(kTestLimit));
  EXPECT_THROW(TestClient{server}, std::runtime_error);
}

TEST(Drain, FinishesTheRequestInFlight) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/wait?a")));
  ASSERT_TRUE(server.service.gate.wait_for_request());
  server.server->drain();
  EXPECT_FALSE(server.server->wait_until_drained(milliseconds(50)));
  ASSERT_TRUE(server.service.gate.release());
  const Answer answer = client.receive();
  EXPECT_EQ(answer.body, "waited a");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(server.server->wait_until_drained(kTestLimit));
}

TEST(Drain, ServesARequestThatHasBegunToArrive) {
  TestServer server;
  TestClient client(server);
  TestClient idle(server);
  ASSERT_TRUE(client.send(get("/1") + "GET /2 HTTP/1.1\r\n"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(eventually([&] { return server.server->open_connections() == 2; }));
  server.server->drain();
  EXPECT_TRUE(idle.is_closed());  // so the drain has come to the loop
  ASSERT_TRUE(client.send("Host: h\r\n\r\n"));
  const Answer answer = client.receive();
  EXPECT_EQ(answer.body, "/2?");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST(Drain, ServesThePipelineThatHasArrived) {
  TestServer server;
  TestClient client(server);
  ASSERT_TRUE(client.send(get("/wait") + get("/2") + get("/3")));
  ASSERT_TRUE(server.service.gate.wait_for_request());
  server.server->drain();
  ASSERT_TRUE(server.service.gate.release());
  EXPECT_FALSE(client.receive().has_field("Connection"));
  EXPECT_FALSE(client.receive().has_field("Connection"));
  EXPECT_TRUE(client.receive().has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace sojourn::http
