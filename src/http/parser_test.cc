// Everything a request can be refused or accepted for, through the reader that the connection uses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "request_reader.h"

namespace sojourn::http {
namespace {

constexpr size_t kMaxHeader = 1024;
constexpr size_t kMaxBody = 100;

void feed(RequestReader& reader, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto room = reader.room();
    const size_t n = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), n);
    reader.received(n);
    bytes.remove_prefix(n);
  }
}

// What a reader makes of `bytes`, given to it `step` bytes at a time: one line a request, then the
// code of the refusal if there is one, else "begun" if a request is not whole.
std::string read_in_steps(std::string_view bytes, size_t step) {
  RequestReader reader(kMaxHeader, kMaxBody);
  std::string seen;
  for (;;) {
    switch (reader.next()) {
      case RequestReader::State::request: {
        const Request& request = reader.request();
        seen += std::string(name_of(request.method)) + " " + std::string(request.path) + "?" +
                std::string(request.query) + " fields";
        for (const Field& field : request.fields) {
          seen += " " + std::string(field.name) + "=" + std::string(field.value);
        }
        seen += " body=" + std::string(request.body) +
                (reader.head().keep_alive ? " keep" : " close") + "\n";
        reader.release();
        break;
      }
      case RequestReader::State::refused:
        EXPECT_FALSE(reader.error().detail.empty());
        EXPECT_TRUE(reader.error().detail.ends_with('.')) << reader.error().detail;
        return seen + std::string(code_of(reader.error().kind));
      case RequestReader::State::needs_more:
        if (bytes.empty()) return seen + (reader.begun() ? "begun" : "");
        feed(reader, bytes.substr(0, step));
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
  }
}

std::string read(std::string_view bytes) {
  const std::string whole = read_in_steps(bytes, bytes.size());
  EXPECT_EQ(read_in_steps(bytes, 1), whole) << "byte by byte, of: " << bytes;
  EXPECT_EQ(read_in_steps(bytes, 7), whole) << "by sevens, of: " << bytes;
  return whole;
}

std::string chunked(std::string_view chunks) {
  return "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
}

struct Case {
  const char* what;
  std::string bytes;
};

TEST(Parser, RefusesWhatIsNotHttp) {
  const std::string host = "Host: h\r\n";
  const std::vector<Case> cases = {
      {"garbage", "hello\r\n\r\n"},
      {"TLS", std::string("\x16\x03\x01\x02\x00", 5)},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"HTTP/0.9", "GET /\r\n\r\n"},
      {"version 1.2", "GET / HTTP/1.2\r\n" + host + "\r\n"},
      {"version 2.0", "GET / HTTP/2.0\r\n" + host + "\r\n"},
      {"lower-case version", "GET / http/1.1\r\n" + host + "\r\n"},
      {"two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n"},
      {"space at the end", "GET / HTTP/1.1 \r\n" + host + "\r\n"},
      {"tab instead of space", "GET\t/ HTTP/1.1\r\n" + host + "\r\n"},
      {"bad method", "G@T / HTTP/1.1\r\n" + host + "\r\n"},
      {"no target", "GET HTTP/1.1\r\n" + host + "\r\n"},
      {"target without slash", "GET a HTTP/1.1\r\n" + host + "\r\n"},
      {"target with a fragment", "GET /a#b HTTP/1.1\r\n" + host + "\r\n"},
      {"target beyond ASCII", "GET /\xC3\xA9 HTTP/1.1\r\n" + host + "\r\n"},
      {"target with a quote", "GET /\" HTTP/1.1\r\n" + host + "\r\n"},
      {"target with DEL", "GET /\x7F HTTP/1.1\r\n" + host + "\r\n"},
      {"star for GET", "GET * HTTP/1.1\r\n" + host + "\r\n"},
      {"authority form", "GET h:80 HTTP/1.1\r\n" + host + "\r\n"},
      {"authority form without a port", "CONNECT h HTTP/1.1\r\n" + host + "\r\n"},
      {"authority form with an empty port", "CONNECT h: HTTP/1.1\r\n" + host + "\r\n"},
      {"authority form with a user", "CONNECT u@h:80 HTTP/1.1\r\n" + host + "\r\n"},
      {"absolute form with a user", "GET http://u:p@h/ HTTP/1.1\r\n" + host + "\r\n"},
      {"absolute form with a bad port", "GET http://h:8o/ HTTP/1.1\r\n" + host + "\r\n"},
      {"absolute form with a port alone", "GET http://:80/ HTTP/1.1\r\n" + host + "\r\n"},
      {"absolute form of another scheme", "GET ftp://h/ HTTP/1.1\r\n" + host + "\r\n"},
      {"absolute form without host", "GET http:///a HTTP/1.1\r\n" + host + "\r\n"},
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n"},
      {"bare LF after a field", "GET / HTTP/1.1\r\nHost: h\n\r\n"},
      {"bare LF as the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\n"},
      {"bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n"},
      {"bare CR before the request", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"bare LF before the request", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"bare CR at the end", "GET / HTTP/1.1\r\nHost: h\r\n\rX"},
      {"obs-fold", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n"},
      {"obs-fold by tab", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\tc\r\n\r\n"},
      {"space before the first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n"},
      {"space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n"},
      {"no colon", "GET / HTTP/1.1\r\nHost: h\r\nA\r\n\r\n"},
      {"no name", "GET / HTTP/1.1\r\nHost: h\r\n: b\r\n\r\n"},
      {"name beyond ASCII", "GET / HTTP/1.1\r\nHost: h\r\n\xC3\xA9: b\r\n\r\n"},
      {"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: b" + std::string(1, '\0') + "c\r\n\r\n"},
      {"control in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n"},
      {"DEL in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: \x7F\r\n\r\n"},
      {"no Host", "GET / HTTP/1.1\r\n\r\n"},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n"},
      {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nHost: i\r\n\r\n"},
      {"a list of Hosts", "GET / HTTP/1.1\r\nHost: h, i\r\n\r\n"},
      {"Host with a path", "GET / HTTP/1.1\r\nHost: h/a\r\n\r\n"},
      {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"empty Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: \r\n\r\n"},
      {"Host with a port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"},
      {"Host with a port that is no number", "GET / HTTP/1.1\r\nHost: h:80a\r\n\r\n"},
      {"Host with two ports", "GET / HTTP/1.1\r\nHost: h:80:81\r\n\r\n"},
      {"Host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"},
      {"Host that is IPv6 without brackets", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"},
      {"Host that is no IPv6", "GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n"},
      {"a bad Host beside an absolute form", "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {"DEL in a name", "GET / HTTP/1.1\r\nHost: h\r\nA\x7F: b\r\n\r\n"},
      {"too many empty lines", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(read(c.bytes), "BAD_REQUEST") << c.what;
}

TEST(Parser, RefusesAtTheFirstBytesWhatCannotBeARequestLine) {
  const std::vector<Case> cases = {
      {"a high byte", "\xFF"},
      {"a space", " "},
      {"a high byte in the method", "GE\xFF"},
      {"a bracket in the method", "G("},
      {"a colon, as in a field", "Host:"},
      {"the end of the line", "GET\r"},
      {"a method of 33 characters", std::string(33, 'A')},
      {"after a request", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\xFF"},
      {"after an empty line", "\r\n\xFF"},
  };
  for (const Case& c : cases) EXPECT_TRUE(read(c.bytes).ends_with("BAD_REQUEST")) << c.what;
  for (const auto* begun : {"G", "HELLO", "GET ", "GET /\xFF", "!#$%&'*+-.^_`|~"}) {
    EXPECT_EQ(read(begun), "begun") << begun;
  }
  EXPECT_EQ(read(std::string(32, 'A')), "begun");
  EXPECT_EQ(read(std::string(32, 'A') + " / HTTP/1.0\r\n\r\n"), "OTHER /? fields body= close\n");
}

TEST(Parser, RefusesAmbiguousFraming) {
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::vector<Case> cases = {
      {"length then coding", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"coding then length", post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"},
      {"length and another coding", post + "Content-Length: 3\r\nTransfer-Encoding: gzip\r\n\r\n"},
      {"two equal lengths", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"},
      {"two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"},
      {"a list of equal lengths", post + "Content-Length: 3, 3\r\n\r\nabc"},
      {"signed length", post + "Content-Length: +3\r\n\r\nabc"},
      {"negative length", post + "Content-Length: -3\r\n\r\nabc"},
      {"hexadecimal length", post + "Content-Length: 0x3\r\n\r\nabc"},
      {"empty length", post + "Content-Length:\r\n\r\n"},
      {"length that overflows", post + "Content-Length: 99999999999999999999\r\n\r\n"},
      {"two codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {"chunked not last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
      {"another coding", post + "Transfer-Encoding: gzip\r\n\r\n"},
      {"identity", post + "Transfer-Encoding: identity\r\n\r\n"},
      {"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
      {"chunked in two fields",
       post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"chunked with a parameter", post + "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n"},
      {"no coding", post + "Transfer-Encoding:\r\n\r\n"},
      {"coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(read(c.bytes), "BAD_REQUEST") << c.what;
}

TEST(Parser, RefusesBadChunks) {
  const std::vector<Case> cases = {
      {"no size", "\r\nabc\r\n0\r\n\r\n"},
      {"size not hexadecimal", "3g\r\nabc\r\n0\r\n\r\n"},
      {"0x", "0x3\r\nabc\r\n0\r\n\r\n"},
      {"signed size", "+3\r\nabc\r\n0\r\n\r\n"},
      {"space before the size", " 3\r\nabc\r\n0\r\n\r\n"},
      {"space after the size", "3 \r\nabc\r\n0\r\n\r\n"},
      {"size with too many digits", "00000000000000003\r\nabc\r\n0\r\n\r\n"},
      {"bare LF after the size", "3\nabc\r\n0\r\n\r\n"},
      {"bare CR after the size", "3\rabc\r\n0\r\n\r\n"},
      {"bare LF in an extension", "3;a\nabc\r\n0\r\n\r\n"},
      {"bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"},
      {"data longer than its size", "3\r\nabcd\r\n0\r\n\r\n"},
      {"bare LF after the data", "3\r\nabc\n0\r\n\r\n"},
      {"bare CR after the data", "3\r\nabc\rX0\r\n\r\n"},
      {"bare LF after the last chunk", "0\n\r\n"},
      {"bare LF at the end", "0\r\n\n"},
      {"bare CR at the end", "0\r\n\rX"},
      {"extensions too long", "3;" + std::string(5000, 'a') + "\r\nabc\r\n0\r\n\r\n"},
      {"trailer too long", "0\r\nA: " + std::string(2000, 'a') + "\r\n\r\n"},
      {"trailer that is no field", "0\r\nabc\r\n\r\n"},
      {"folded trailer", "0\r\nA: b\r\n c\r\n\r\n"},
      {"bare LF in a trailer", "0\r\nA: b\n\r\n"},
      {"control in a trailer", "0\r\nA: \x01\r\n\r\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(read(chunked(c.bytes)), "BAD_REQUEST") << c.what;
}

TEST(Parser, KeepsTheLimits) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
  const std::string fits = start + std::string(kMaxHeader - start.size() - 4, 'a') + "\r\n\r\n";
  ASSERT_EQ(fits.size(), kMaxHeader);
  EXPECT_TRUE(read(fits).starts_with("GET "));
  EXPECT_EQ(read(start + std::string(kMaxHeader - start.size() - 3, 'a') + "\r\n\r\n"),
            "HEADERS_TOO_LARGE");
  EXPECT_EQ(read("GET /" + std::string(5000, 'a')), "HEADERS_TOO_LARGE");
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (size_t i = 0; i < kMaxFields; ++i) many += "A:\r\n";
  EXPECT_EQ(read(many + "\r\n"), "HEADERS_TOO_LARGE");

  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ";
  EXPECT_TRUE(read(post + "100\r\n\r\n" + std::string(100, 'b')).starts_with("POST "));
  EXPECT_EQ(read(post + "101\r\n\r\n"), "BODY_TOO_LARGE");
  EXPECT_EQ(read(post + "18446744073709551615\r\n\r\n"), "BODY_TOO_LARGE");
  EXPECT_TRUE(
      read(chunked("64\r\n" + std::string(100, 'b') + "\r\n0\r\n\r\n")).starts_with("POST"));
  EXPECT_EQ(read(chunked("65\r\n")), "BODY_TOO_LARGE");
  EXPECT_EQ(read(chunked("ffffffffffffffff\r\n")), "BODY_TOO_LARGE");
  EXPECT_EQ(read(chunked("60\r\n" + std::string(96, 'b') + "\r\n5\r\n")), "BODY_TOO_LARGE");
}

TEST(Parser, AcceptsRequests) {
  struct {
    std::string bytes;
    std::string seen;
  } const cases[] = {
      {"", ""},
      {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET /? fields Host=h body= keep\n"},
      {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /? fields Host=[::1]:80 body= keep\n"},
      {"HEAD /a%2Fb?c=d?&e HTTP/1.1\r\nhOST:h\r\n\r\n",
       "HEAD /a%2Fb?c=d?&e fields hOST=h body= keep\n"},
      {"GET /% HTTP/1.1\r\nHost: h\r\n\r\n", "GET /%? fields Host=h body= keep\n"},
      {"GET /a?b|{c} HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a?b|{c} fields Host=h body= keep\n"},
      {"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", "OTHER h:80? fields Host=h:80 body= keep\n"},
      {"CONNECT [::1]:80 HTTP/1.0\r\n\r\n", "OTHER [::1]:80? fields body= close\n"},
      {"GET http://h:1/a HTTP/1.1\r\nHost: other\r\n\r\n",
       "GET /a? fields Host=other body= keep\n"},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS *? fields Host=h body= keep\n"},
      {"BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", "OTHER /pot? fields Host=h body= keep\n"},
      {"GET http://h:1/a?b HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a?b fields Host=h body= keep\n"},
      {"GET HTTPS://h HTTP/1.1\r\nHost: h\r\n\r\n", "GET /? fields Host=h body= keep\n"},
      {"GET http://h?b HTTP/1.1\r\nHost: h\r\n\r\n", "GET /?b fields Host=h body= keep\n"},
      {"GET / HTTP/1.0\r\n\r\n", "GET /? fields body= close\n"},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
       "GET /? fields Connection=Keep-Alive body= keep\n"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
       "GET /? fields Connection=keep-alive, close body= close\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n",
       "GET /? fields Host=h Connection=x, Close body= close\n"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive;timeout=5, \"x y\"\r\n\r\n",
       "GET /? fields Connection=keep-alive;timeout=5, \"x y\" body= keep\n"},
      {"GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
       "GET /? fields Connection=close Connection=keep-alive body= close\n"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
       "GET /? fields Connection=keep-alive Connection=close body= close\n"},
      {"GET / HTTP/1.0\r\nConnection:\r\nProxy-Connection: a;b\r\n\r\n",
       "GET /? fields Connection= Proxy-Connection=a;b body= close\n"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: \t b\tc \t\r\nB:\xC3\xA9\r\n\r\n",
       "GET /? fields Host=h A=b\tc B=\xC3\xA9 body= keep\n"},
      {"\r\n\r\nGET / HTTP/1.0\r\n\r\n\r\n", "GET /? fields body= close\n"},
      {"GET / HTTP/1.0\r\n\r\nGET / HT", "GET /? fields body= close\nbegun"},
      {"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nab\r\ncGET /2 HTTP/1.0\r\n\r\n",
       "POST /? fields Content-Length=5 body=ab\r\nc close\nGET /2? fields body= close\n"},
      {"PUT / HTTP/1.0\r\nContent-Length: 003\r\n\r\nab", "begun"},
      {"DELETE / HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
       "DELETE /? fields Content-Length=0 body= close\n"},
      {chunked("3\r\nabc\r\nA;x=\"y\";z\r\n0123456789\r\n00\r\nT: u\r\nV:\r\n\r\n") +
           "GET / HTTP/1.0\r\n\r\n",
       "POST /? fields Host=h Transfer-Encoding=chunked body=abc0123456789 keep\n"
       "GET /? fields body= close\n"},
      {chunked("3 \t;x\r\na\r\n\r\n0\r\n\r\n"),
       "POST /? fields Host=h Transfer-Encoding=chunked body=a\r\n keep\n"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
       "POST /? fields Host=h Transfer-Encoding=CHUNKED body= keep\n"},
      {chunked("3\r\nab"), "begun"},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.bytes), c.seen) << c.bytes;
}

TEST(Parser, KnowsAHeadWhateverIsWrongWithIt) {
  for (const auto* head :
       {"HEAD / HTTP/1.1\r\n\r\n", "HEAD / HTTP/2.0\r\n\r\n", "HEAD  / HTTP/1.1\r\n\r\n",
        "HEAD /\r\n\r\n", "HEAD / HTTP/1.1\nHost: h\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\n b\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "\r\nHEAD * HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\n\r\nHEAD\t/"}) {
    RequestReader reader(kMaxHeader, kMaxBody);
    feed(reader, head);
    auto state = reader.next();
    if (state == RequestReader::State::request) {
      EXPECT_FALSE(reader.is_head());
      reader.release();
      state = reader.next();
      EXPECT_FALSE(reader.is_head()) << "a tab ends no method";
      continue;
    }
    EXPECT_EQ(state, RequestReader::State::refused) << head;
    EXPECT_TRUE(reader.is_head()) << head;
  }
  RequestReader reader(kMaxHeader, kMaxBody);
  feed(reader, "HEADER / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(reader.next(), RequestReader::State::refused);
  EXPECT_FALSE(reader.is_head());
}

TEST(Parser, LineEndsBeginNoRequest) {
  RequestReader reader(kMaxHeader, kMaxBody);
  for (const auto* bytes : {"\r", "\n", "\r\n", "\r"}) {
    feed(reader, bytes);
    EXPECT_EQ(reader.next(), RequestReader::State::needs_more);
    EXPECT_FALSE(reader.begun());
  }
  feed(reader, "\nG");
  EXPECT_EQ(reader.next(), RequestReader::State::needs_more);
  EXPECT_TRUE(reader.begun());
}

TEST(Parser, LineEndsAreCountedForEachRequestAlone) {
  std::string bytes, seen;
  for (int i = 0; i < 12; ++i) {
    bytes += "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\na\r\n";
    seen += "POST /? fields Content-Length=1 body=a close\n";
  }
  EXPECT_EQ(read(bytes), seen);
}

TEST(Parser, ViewsStayValidWhileALargeBodyArrives) {
  RequestReader reader(16 * 1024, 200 * 1024);
  // The head leaves no room in the first buffer, so the body makes it move.
  const std::string value(3900, 'v');
  feed(reader, "GET / HTTP/1.0\r\n\r\n");
  ASSERT_EQ(reader.next(), RequestReader::State::request);
  reader.release();
  feed(reader, "POST http://h?q HTTP/1.1\r\nHost: h\r\nContent-Length: 150000\r\nA: " + value +
                   "\r\n\r\nb");
  ASSERT_EQ(reader.next(), RequestReader::State::needs_more);
  for (int i = 1; i < 150'000; i += 13) {
    feed(reader, std::string(static_cast<size_t>(std::min(13, 150'000 - i)), 'b'));
    const auto state = reader.next();
    ASSERT_EQ(state,
              i + 13 < 150'000 ? RequestReader::State::needs_more : RequestReader::State::request);
  }
  const Request& request = reader.request();
  EXPECT_EQ(request.path, "/");
  EXPECT_EQ(request.query, "q");
  EXPECT_EQ(request.fields[0].name, "Host");
  EXPECT_EQ(request.fields[2].value, value);
  EXPECT_EQ(request.body, std::string(150'000, 'b'));
}

TEST(Parser, SaysOnceWhenTheClientWaitsToContinue) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n";
  RequestReader reader(kMaxHeader, kMaxBody);
  feed(reader, head + "Expect: 100-Continue\r\n\r\n");
  EXPECT_EQ(reader.next(), RequestReader::State::needs_more);
  EXPECT_TRUE(reader.take_continue());
  EXPECT_FALSE(reader.take_continue());
  feed(reader, "abc");
  EXPECT_EQ(reader.next(), RequestReader::State::request);

  for (const auto* among : {"Expect: 100-continue, x", "Expect: x=\"a, b\", 100-continue;y=z",
                            "Expect: x\r\nExpect: 100-continue"}) {
    RequestReader other(kMaxHeader, kMaxBody);
    feed(other, head + among + "\r\n\r\n");
    EXPECT_EQ(other.next(), RequestReader::State::needs_more);
    EXPECT_TRUE(other.take_continue()) << among;
  }

  const Case without[] = {
      {"not asked", head + "\r\n"},
      {"the body has begun to arrive", head + "Expect: 100-continue\r\n\r\na"},
      {"HTTP/1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"},
      {"too large",
       "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n"},
      {"no body", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n"},
      {"something else", head + "Expect: 200-ok\r\n\r\n"},
  };
  for (const Case& c : without) {
    RequestReader other(kMaxHeader, kMaxBody);
    feed(other, c.bytes);
    other.next();
    EXPECT_FALSE(other.take_continue()) << c.what;
  }
}

}  // namespace
}  // namespace sojourn::http
