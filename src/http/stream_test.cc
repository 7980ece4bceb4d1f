// Answers whose body is made while it is sent, over real sockets.
#include <gtest/gtest.h>

#include "server_test_kit.h"

namespace sojourn::http {
namespace {

using std::chrono::milliseconds;
using Step = BodyStream::Step;
using Ending = TestClient::Ending;

// What a stream tells the test's thread.
struct Seen {
  std::atomic<size_t> asked = 0;
  std::atomic<bool> destroyed = false;
};

// One of these pieces after the other: at once, or each when the gate lets it pass.
class Pieces final : public BodyStream {
 public:
  Pieces(Seen& seen, std::vector<std::string> pieces, Gate* gate = nullptr)
      : seen_(seen), pieces_(std::move(pieces)), gate_(gate) {}
  ~Pieces() override { seen_.destroyed = true; }

  Task<Step> next(std::string& out) override {
    ++seen_.asked;
    if (gate_ != nullptr) return wait(out);
    return append(out);
  }

 private:
  Task<Step> wait(std::string& out) {
    co_await gate_->pass();
    co_return append(out);
  }
  Step append(std::string& out) {
    const std::string& piece = pieces_[at_++];
    if (piece == "throw") throw std::runtime_error("no");
    out.append(piece);
    return at_ == pieces_.size() ? Step::end : Step::more;
  }

  Seen& seen_;
  const std::vector<std::string> pieces_;
  Gate* const gate_;
  size_t at_ = 0;
};

// Never ends and never waits.
class Endless final : public BodyStream {
 public:
  static constexpr size_t kPiece = 64 * 1024;

  explicit Endless(Seen& seen) : seen_(seen) {}
  ~Endless() override { seen_.destroyed = true; }
  Task<Step> next(std::string& out) override {
    ++seen_.asked;
    out.assign(kPiece, 'x');
    return Step::more;
  }

 private:
  Seen& seen_;
};

class Stream : public testing::Test {
 protected:
  void start(ServerOptions options = {}) { server = std::make_unique<TestServer>(options); }
  void answer_at_once(std::vector<std::string> pieces) {
    server->service.stream_of = [this, pieces] { return std::make_unique<Pieces>(seen, pieces); };
  }
  void answer_by_gate(std::vector<std::string> pieces) {
    server->service.stream_of = [this, pieces] {
      return std::make_unique<Pieces>(seen, pieces, &server->service.gate);
    };
  }
  void answer_endlessly() {
    server->service.stream_of = [this] { return std::make_unique<Endless>(seen); };
  }
  Gate& gate() { return server->service.gate; }
  bool all_closed() {
    return eventually([&] { return server->server->open_connections() == 0; });
  }

  Seen seen;
  std::unique_ptr<TestServer> server;
};

TEST_F(Stream, SendsEachPieceAsAChunk) {
  start();
  answer_at_once({"a", "", "bcd", std::string(26, 'e')});
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  const Answer answer = client.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Transfer-Encoding: chunked"));
  EXPECT_TRUE(answer.has("Content-Type: text/plain"));
  EXPECT_TRUE(answer.has("Cache-Control: no-store"));
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_FALSE(answer.has_field("Content-Length"));
  const auto [body, ending] = client.receive_rest();
  EXPECT_EQ(body, "1\r\na\r\n3\r\nbcd\r\n1a\r\n" + std::string(26, 'e') + "\r\n0\r\n\r\n");
  EXPECT_EQ(ending, Ending::in_order);
  EXPECT_TRUE(seen.destroyed);
  client.close();
  EXPECT_TRUE(all_closed());
}

TEST_F(Stream, AStreamWithoutBytesIsAnEmptyBody) {
  start();
  answer_at_once({""});
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive_rest().first, "0\r\n\r\n");
}

TEST_F(Stream, SendsAPieceBeforeItAsksForTheNext) {
  start();
  answer_by_gate({"one", "", "two"});
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  EXPECT_EQ(client.receive().status, 200);  // before the first piece is there
  ASSERT_TRUE(gate().wait_for_request());
  EXPECT_TRUE(client.is_silent());
  ASSERT_TRUE(gate().release());
  EXPECT_EQ(client.receive_bytes(8), "3\r\none\r\n");
  ASSERT_TRUE(gate().release());  // of nothing
  ASSERT_TRUE(gate().wait_for_request());
  EXPECT_TRUE(client.is_silent());
  ASSERT_TRUE(gate().release());
  EXPECT_EQ(client.receive_rest().first, "3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_EQ(seen.asked, 3u);
}

TEST_F(Stream, KeepsItsPlaceInAPipelineAndEndsIt) {
  start();
  answer_at_once({"one"});
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/1") + get("/wait?2") + get("/stream") + get("/4")));
  ASSERT_TRUE(gate().release());
  EXPECT_EQ(client.receive().body, "/1?");
  EXPECT_EQ(client.receive().body, "waited 2");
  EXPECT_TRUE(client.receive().has("Connection: close"));
  const auto [body, ending] = client.receive_rest();
  EXPECT_EQ(body, "3\r\none\r\n0\r\n\r\n");
  EXPECT_EQ(ending, Ending::in_order);
}

TEST_F(Stream, WhatTheClientSendsMeanwhileIsDroppedAndHarmsNothing) {
  start();
  answer_by_gate({"one", "two", "three"});
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(gate().wait_for_request());
    ASSERT_TRUE(client.send(std::string(30'000, 'x')));
    ASSERT_TRUE(gate().release());
  }
  EXPECT_EQ(client.receive().status, 200);
  const auto [body, ending] = client.receive_rest();
  EXPECT_EQ(body, "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n");
  EXPECT_EQ(ending, Ending::in_order);
}

TEST_F(Stream, Http10ReadsUntilTheConnectionCloses) {
  start();
  answer_at_once({"a", "", "bcd"});
  TestClient client(*server);
  ASSERT_TRUE(client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  const Answer answer = client.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_FALSE(answer.has_field("Transfer-Encoding"));
  EXPECT_FALSE(answer.has_field("Content-Length"));
  const auto [body, ending] = client.receive_rest();
  EXPECT_EQ(body, "abcd");
  EXPECT_EQ(ending, Ending::in_order);
}

TEST_F(Stream, HeadHasTheHeadAndKeepsTheConnection) {
  start();
  answer_at_once({"a"});
  TestClient client(*server);
  ASSERT_TRUE(client.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n" + get("/2")));
  const Answer head = client.receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.has("Transfer-Encoding: chunked"));
  EXPECT_FALSE(head.has_field("Content-Length"));
  EXPECT_EQ(client.receive().body, "/2?");
  EXPECT_EQ(seen.asked, 0u);
  EXPECT_TRUE(seen.destroyed);
}

TEST_F(Stream, AStreamThatFailsIsNotWhole) {
  start();
  for (const bool waits : {false, true}) {
    waits ? answer_by_gate({"one", "throw"}) : answer_at_once({"one", "throw"});
    TestClient client(*server);
    ASSERT_TRUE(client.send(get("/stream")));
    if (waits) {
      ASSERT_TRUE(gate().release());
      ASSERT_TRUE(gate().release());
    }
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_EQ(client.receive_rest().first, "3\r\none\r\n");
    EXPECT_TRUE(all_closed());
  }
}

TEST_F(Stream, AStreamThatFailsIsNotWholeForHttp10Either) {
  start();
  answer_by_gate({"one", "throw"});
  TestClient client(*server);
  ASSERT_TRUE(client.send("GET /stream HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(client.receive().status, 200);
  ASSERT_TRUE(gate().release());
  EXPECT_EQ(client.receive_bytes(3), "one");
  ASSERT_TRUE(gate().release());
  EXPECT_EQ(client.receive_rest().second, Ending::reset);
}

TEST_F(Stream, AClientThatDoesNotReadIsCutOff) {
  start({.header_timeout = milliseconds(200), .idle_timeout = std::chrono::hours(1)});
  answer_endlessly();
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  EXPECT_TRUE(eventually([&] { return seen.asked > 0; }));
  EXPECT_TRUE(all_closed());
  EXPECT_TRUE(seen.destroyed);
  // What was asked for is what the sockets took, and one more.
  const auto [bytes, ending] = client.receive_rest();
  EXPECT_LE((seen.asked - 1) * Endless::kPiece, bytes.size());
  EXPECT_FALSE(bytes.ends_with("0\r\n\r\n"));
}

TEST_F(Stream, AStreamMayWaitLongerThanAnyTimeOut) {
  start({.header_timeout = milliseconds(100), .idle_timeout = milliseconds(100)});
  answer_by_gate({"one"});
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  ASSERT_TRUE(gate().wait_for_request());
  // Another connection is timed out meanwhile, so the time-outs were looked at.
  TestClient other(*server);
  ASSERT_TRUE(other.send("G"));
  EXPECT_EQ(other.receive().status, 408);
  ASSERT_TRUE(gate().release());
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive_rest().first, "3\r\none\r\n0\r\n\r\n");
}

TEST_F(Stream, EndsWhenTheClientHasLeft) {
  start();
  answer_by_gate({"one", "two", "three"});
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  EXPECT_EQ(client.receive().status, 200);
  ASSERT_TRUE(gate().wait_for_request());
  client.close();
  EXPECT_FALSE(seen.destroyed);  // next() is never left waiting for nobody
  ASSERT_TRUE(gate().release());
  EXPECT_TRUE(all_closed());
  EXPECT_TRUE(seen.destroyed);
  EXPECT_EQ(seen.asked, 1u);
}

TEST_F(Stream, TheDrainEndsItAfterThePieceInProgress) {
  start();
  answer_by_gate({"one", "two"});
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  EXPECT_EQ(client.receive().status, 200);
  ASSERT_TRUE(gate().wait_for_request());
  server->server->drain();
  EXPECT_FALSE(server->server->wait_until_drained(milliseconds(50)));
  ASSERT_TRUE(gate().release());
  const auto [body, ending] = client.receive_rest();
  EXPECT_EQ(body, "3\r\none\r\n0\r\n\r\n");
  EXPECT_EQ(ending, Ending::in_order);
  client.close();
  EXPECT_TRUE(server->server->wait_until_drained(kTestLimit));
  EXPECT_EQ(seen.asked, 1u);
}

TEST_F(Stream, AnEndlessOneLeavesTheLoopToOthersAndEndsWithTheDrain) {
  start();
  answer_endlessly();
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  EXPECT_EQ(client.receive().status, 200);
  std::atomic<bool> whole = false;
  std::thread reads([&] {
    std::string last;
    for (;;) {
      const std::string bytes = client.receive_bytes(Endless::kPiece);
      if (bytes.empty()) break;
      last = (last + bytes).substr(last.size() + bytes.size() - std::min<size_t>(5, bytes.size()));
    }
    whole = last == "0\r\n\r\n";
    client.close();
  });
  TestClient other(*server);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(other.send(get("/2")));
    EXPECT_EQ(other.receive().body, "/2?");
  }
  server->server->drain();
  EXPECT_TRUE(server->server->wait_until_drained(kTestLimit));
  reads.join();
  EXPECT_TRUE(whole);
}

}  // namespace
}  // namespace sojourn::http
