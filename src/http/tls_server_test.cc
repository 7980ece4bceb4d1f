// A server that speaks TLS, over real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tls_test_kit.h"

namespace sojourn::http {
namespace {

using std::chrono::milliseconds;
using Step = BodyStream::Step;
using Ending = TestClient::Ending;
using testing::HasSubstr;

class Tls : public testing::Test {
 protected:
  void start(ServerOptions with = {}) {
    with.tls = files.write(certificate);
    if (ask_clients) {
      with.tls.client_ca = files.write("ca.pem", authority.pem());
      with.tls.client_auth = ask_clients;
    }
    options = with;
    server = std::make_unique<TestServer>(with);
  }

  Result<void> reload() {
    auto setup = ServerSetup::make(options);
    if (!setup) return std::unexpected(setup.error());
    server->server->reload(*setup);
    // What was posted before has run once this has.
    std::atomic<bool> done = false;
    server->loop.post([&] { done = true; });
    EXPECT_TRUE(eventually([&] { return done.load(); }));
    return {};
  }

  static long serial_of(const TestCertificate& one) {
    return ASN1_INTEGER_get(X509_get0_serialNumber(one.certificate()));
  }

  const TestCertificate authority = TestCertificate::authority();
  const TestCertificate certificate = authority.issue();
  const TestFiles files;
  std::optional<ClientAuth> ask_clients;
  ServerOptions options;
  std::unique_ptr<TestServer> server;
};

// One piece after the other, as the gate lets them pass; "throw" fails.
class Pieces final : public BodyStream {
 public:
  Pieces(std::vector<std::string> pieces, Gate* gate) : pieces_(std::move(pieces)), gate_(gate) {}
  Task<Step> next(std::string& out) override {
    if (gate_ != nullptr) co_await gate_->pass();
    const std::string& piece = pieces_[at_++];
    if (piece == "throw") throw std::runtime_error("no");
    out.append(piece);
    co_return at_ == pieces_.size() ? Step::end : Step::more;
  }

 private:
  const std::vector<std::string> pieces_;
  Gate* const gate_;
  size_t at_ = 0;
};

// --- Handshake

TEST_F(Tls, SpeaksBothVersionsWithForwardSecrecy) {
  start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsTestClient client(*server, {.least = version, .most = version});
    ASSERT_TRUE(client.connected()) << client.failure();
    EXPECT_EQ(client.version(), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    if (version == TLS1_2_VERSION) {
      EXPECT_EQ(client.cipher(), "ECDHE-ECDSA-AES128-GCM-SHA256");
    }
    EXPECT_FALSE(client.has_compression());
    EXPECT_EQ(client.server_serial(), serial_of(certificate));
    ASSERT_TRUE(client.send(get("/scheme")));
    EXPECT_EQ(client.receive().body, "https");
  }
}

TEST_F(Tls, RefusesOlderVersions) {
  start();
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const TlsTestClient client(*server, {.least = version, .most = version});
    EXPECT_FALSE(client.connected());
    EXPECT_THAT(client.failure(), HasSubstr("protocol version"));
  }
}

TEST_F(Tls, DoesNotRenegotiate) {
  start();
  TlsTestClient client(*server, {.most = TLS1_2_VERSION});
  ASSERT_TRUE(client.connected());
  EXPECT_FALSE(client.renegotiates());
}

TEST_F(Tls, AgreesOnHttp11OnlyIfAsked) {
  start();
  TlsTestClient both(*server, {.protocols = "\x02h2\x08http/1.1"});
  EXPECT_EQ(both.protocol(), "http/1.1");
  TlsTestClient none(*server);
  EXPECT_TRUE(none.connected());
  EXPECT_EQ(none.protocol(), "");
  const TlsTestClient other(*server, {.protocols = "\x02h2"});
  EXPECT_FALSE(other.connected());
  EXPECT_THAT(other.failure(), HasSubstr("no application protocol"));
}

TEST_F(Tls, AHandshakeThatDoesNotEndIsCut) {
  start({.header_timeout = milliseconds(200)});
  for (const auto* begun : {"", "\x16\x03\x01\x02"}) {
    TestClient client(*server);
    ASSERT_TRUE(client.send(begun));
    EXPECT_TRUE(client.is_closed());
  }
}

TEST_F(Tls, AHandshakeCountsAsAConnection) {
  start({.max_connections = 1});
  const TestClient silent(*server);
  ASSERT_TRUE(eventually([&] { return server->server->open_connections() == 1; }));
  TlsTestClient second(*server);
  ASSERT_TRUE(second.connected());
  ASSERT_TRUE(second.send(get("/2")));
  EXPECT_EQ(second.receive().status, 503);
}

TEST_F(Tls, AClientWithoutTlsIsToldSo) {
  start();
  TestClient client(*server);
  ASSERT_TRUE(client.send(get("/1")));
  const Answer answer = client.receive();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, "BAD_REQUEST");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());

  TestClient head(*server);
  ASSERT_TRUE(head.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(head.receive(true).status, 400);
  EXPECT_TRUE(head.is_closed()) << "no answer to HEAD has a body";
}

TEST_F(Tls, AClientWithTlsIsNoHttpClient) {
  TestServer plain;
  const TlsTestClient client(plain);
  EXPECT_FALSE(client.connected());
}

TEST_F(Tls, ARequiredClientCertificate) {
  ask_clients = ClientAuth::required;
  start();
  const TestCertificate stranger = TestCertificate::authority().issue();
  const TestCertificate expired =
      authority.issue({.from = std::chrono::hours(-2), .until = std::chrono::hours(-1)});
  const TestCertificate known = authority.issue();
  struct Case {
    const TestCertificate* shown;
    const char* failure;
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const Case& refused :
         {Case{nullptr, "certificate required"}, Case{&stranger, "unknown ca"},
          Case{&expired, "certificate expired"}}) {
      TlsTestClient client(*server,
                           {.least = version, .most = version, .certificate = refused.shown});
      // A TLS 1.3 client is done before the server has looked at its certificate; what it sends at
      // once does not keep it from seeing why.
      if (client.connected()) {
        EXPECT_EQ(version, TLS1_3_VERSION);
        for (int i = 0; i < 40; ++i) ASSERT_TRUE(client.send(std::string(100'000, 'x'))) << i;
        EXPECT_EQ(client.receive().status, 0);
      }
      if (version == TLS1_3_VERSION || refused.shown != nullptr) {
        EXPECT_THAT(client.failure(), HasSubstr(refused.failure));
      } else {
        EXPECT_THAT(client.failure(), HasSubstr("handshake failure"));
      }
    }
    TlsTestClient client(*server, {.least = version, .most = version, .certificate = &known});
    ASSERT_TRUE(client.connected()) << client.failure();
    ASSERT_TRUE(client.send(get("/1")));
    EXPECT_EQ(client.receive().status, 200);
  }
}

TEST_F(Tls, AnOptionalClientCertificateMayMissButNotBeWrong) {
  ask_clients = ClientAuth::optional;
  start();
  TlsTestClient none(*server);
  ASSERT_TRUE(none.send(get("/1")));
  EXPECT_EQ(none.receive().status, 200);
  const TestCertificate stranger = TestCertificate::authority().issue();
  TlsTestClient other(*server, {.certificate = &stranger});
  other.send(get("/1"));
  EXPECT_EQ(other.receive().status, 0);
  EXPECT_THAT(other.failure(), HasSubstr("unknown ca"));
}

// --- Requests

TEST_F(Tls, APipeline) {
  start();
  TlsTestClient client(*server);
  std::string pipeline;
  for (int i = 0; i < 500; ++i) pipeline += get("/" + std::to_string(i));
  ASSERT_TRUE(client.send(pipeline));
  for (int i = 0; i < 500; ++i) EXPECT_EQ(client.receive().body, "/" + std::to_string(i) + "?");
}

TEST_F(Tls, APipelineThatWaits) {
  start();
  TlsTestClient client(*server);
  ASSERT_TRUE(client.send(get("/1") + get("/wait?a") + get("/2")));
  EXPECT_EQ(client.receive().body, "/1?");  // not kept back by the request that waits
  ASSERT_TRUE(server->service.gate.release());
  EXPECT_EQ(client.receive().body, "waited a");
  EXPECT_EQ(client.receive().body, "/2?");
}

TEST_F(Tls, BodiesThatAreLargerThanAnyBuffer) {
  start({.max_body_bytes = 4'000'000});
  TlsTestClient client(*server);
  const std::string body(3'000'000, 'x');
  ASSERT_TRUE(client.send(post(body)));
  EXPECT_EQ(client.receive().body, body);
  ASSERT_TRUE(client.send(get("/big")));
  EXPECT_EQ(client.receive().body.size(), TestService::kBig);
  ASSERT_TRUE(client.send(get("/1")));
  EXPECT_EQ(client.receive().body, "/1?");
}

TEST_F(Tls, ARequestByteByByte) {
  start();
  TlsTestClient client(*server);
  for (const char c : get("/1")) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.receive().body, "/1?");
}

TEST_F(Tls, ARequestThatDoesNotArriveIsTimedOut) {
  start({.header_timeout = milliseconds(200)});
  TlsTestClient client(*server);
  ASSERT_TRUE(client.send("GET /"));
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(Tls, AClientThatDoesNotReadIsClosed) {
  start({.header_timeout = milliseconds(200)});
  TlsTestClient client(*server);
  ASSERT_TRUE(client.send(get("/big")));
  EXPECT_TRUE(eventually([&] { return server->server->open_connections() == 1; }));
  EXPECT_TRUE(eventually([&] { return server->server->open_connections() == 0; }));
}

TEST_F(Tls, AnIdleConnectionIsClosedInOrder) {
  start({.header_timeout = std::chrono::hours(1), .idle_timeout = milliseconds(200)});
  TlsTestClient client(*server);
  ASSERT_TRUE(client.send(get("/1")));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(client.was_told_the_end());
}

TEST_F(Tls, AClientThatIsStillSendingSeesThe413) {
  start();
  TlsTestClient client(*server);
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n"));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(client.send(std::string(100'000, 'x'))) << i;
  EXPECT_EQ(client.receive().status, 413);
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(client.was_told_the_end());
}

TEST_F(Tls, AClientThatSendsNoMoreStillGetsItsAnswer) {
  start();
  TlsTestClient client(*server);
  ASSERT_TRUE(client.send(get("/wait?a")));
  client.say_last_word();
  ASSERT_TRUE(server->service.gate.release());
  EXPECT_EQ(client.receive().body, "waited a");
  EXPECT_TRUE(client.is_closed());
}

// --- Streams

TEST_F(Tls, AStream) {
  start();
  server->service.stream_of = [&] {
    return std::make_unique<Pieces>(std::vector<std::string>{"one", "two"}, &server->service.gate);
  };
  TlsTestClient client(*server);
  ASSERT_TRUE(client.send(get("/stream")));
  EXPECT_EQ(client.receive().status, 200);
  ASSERT_TRUE(server->service.gate.release());
  EXPECT_EQ(client.receive_bytes(8), "3\r\none\r\n");
  ASSERT_TRUE(server->service.gate.release());
  EXPECT_EQ(client.receive_rest(),
            std::pair(std::string("3\r\ntwo\r\n0\r\n\r\n"), Ending::in_order));
}

TEST_F(Tls, AStreamOfHttp10ThatIsWholeEndsInOrderAndOneThatIsNotDoesNot) {
  start();
  for (const bool fails : {false, true}) {
    server->service.stream_of = [&] {
      return std::make_unique<Pieces>(std::vector<std::string>{"one", fails ? "throw" : "two"},
                                      nullptr);
    };
    TlsTestClient client(*server);
    ASSERT_TRUE(client.send("GET /stream HTTP/1.0\r\n\r\n"));
    EXPECT_EQ(client.receive().status, 200);
    const auto [rest, ending] = client.receive_rest();
    EXPECT_EQ(ending, fails ? Ending::reset : Ending::in_order);
    EXPECT_EQ(client.was_told_the_end(), !fails);
    if (!fails) {
      EXPECT_EQ(rest, "onetwo");
    }
  }
}

TEST_F(Tls, AStreamWhoseClientLeavesEnds) {
  start({.header_timeout = std::chrono::hours(1)});
  Gate& gate = server->service.gate;
  server->service.stream_of = [&] {
    return std::make_unique<Pieces>(std::vector<std::string>(1'000'000, "x"), &gate);
  };
  for (const bool politely : {true, false}) {
    TlsTestClient client(*server);
    ASSERT_TRUE(client.send(get("/stream")));
    EXPECT_EQ(client.receive().status, 200);
    if (politely) client.say_last_word();
    if (!politely) client.close();
    EXPECT_TRUE(eventually([&] {
      if (gate.has_request()) gate.release();
      return server->server->open_connections() == 0;
    }));
  }
}

// --- Drain and reload

TEST_F(Tls, ADrainFinishesWhatIsInFlightAndClosesTheRestInOrder) {
  start();
  TlsTestClient busy(*server);
  TlsTestClient idle(*server);
  TestClient shaking(*server);
  ASSERT_TRUE(idle.send(get("/1")));
  EXPECT_EQ(idle.receive().status, 200);
  ASSERT_TRUE(busy.send(get("/wait?a")));
  ASSERT_TRUE(server->service.gate.wait_for_request());
  ASSERT_TRUE(eventually([&] { return server->server->open_connections() == 3; }));
  server->server->drain();
  EXPECT_TRUE(idle.is_closed());
  EXPECT_TRUE(idle.was_told_the_end());
  EXPECT_TRUE(shaking.is_closed());
  ASSERT_TRUE(server->service.gate.release());
  const Answer answer = busy.receive();
  EXPECT_EQ(answer.body, "waited a");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(busy.is_closed());
  EXPECT_TRUE(busy.was_told_the_end());
  EXPECT_TRUE(server->server->wait_until_drained(kTestLimit));
}

TEST_F(Tls, AReloadShowsTheNewCertificateToNewConnections) {
  start();
  TlsTestClient before(*server);
  ASSERT_TRUE(before.send(get("/1")));
  EXPECT_EQ(before.receive().status, 200);
  const TestCertificate renewed = authority.issue();
  files.write(renewed);
  ASSERT_TRUE(reload());
  const TlsTestClient after(*server);
  EXPECT_EQ(after.server_serial(), serial_of(renewed));
  ASSERT_TRUE(before.send(get("/2")));
  EXPECT_EQ(before.receive().body, "/2?");
}

TEST_F(Tls, AReloadFromFilesThatAreWrongIsAnError) {
  start();
  files.write("key.pem", authority.issue().key_pem());
  EXPECT_FALSE(reload());
  const TlsTestClient after(*server);
  EXPECT_EQ(after.server_serial(), serial_of(certificate));
}

TEST_F(Tls, AReloadChangesLimitsAndTimes) {
  start({.max_connections = 1});
  TlsTestClient first(*server);
  ASSERT_TRUE(first.send(get("/1")));
  EXPECT_EQ(first.receive().status, 200);
  options.max_connections = 2;
  options.max_body_bytes = 1;
  options.idle_timeout = milliseconds(200);
  ASSERT_TRUE(reload());
  TlsTestClient second(*server);
  ASSERT_TRUE(second.send(post("ab")));
  EXPECT_EQ(second.receive().status, 413);
  // An open connection keeps the sizes that it was accepted with, and has the new times.
  ASSERT_TRUE(first.send(post("ab")));
  EXPECT_EQ(first.receive().body, "ab");
  EXPECT_TRUE(first.is_closed());
}

TEST_F(Tls, AReloadMayBeginAndEndTls) {
  start();
  options.tls = {};
  ASSERT_TRUE(reload());
  TestClient plain(*server);
  ASSERT_TRUE(plain.send(get("/scheme")));
  EXPECT_EQ(plain.receive().body, "http");
  options.tls = files.write(certificate);
  ASSERT_TRUE(reload());
  TlsTestClient client(*server);
  ASSERT_TRUE(client.send(get("/scheme")));
  EXPECT_EQ(client.receive().body, "https");
}

}  // namespace
}  // namespace sojourn::http
