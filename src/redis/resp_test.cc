// Commands to bytes, bytes to replies: whole, in pieces, damaged, and without end.
#include "resp.h"

#include <gtest/gtest.h>

namespace sojourn::redis {
namespace {

using std::string_literals::operator""s;
using Kind = Reply::Kind;

std::string encoded_of(std::initializer_list<std::string_view> arguments) {
  return encoded(std::span(arguments.begin(), arguments.size()));
}

Reply text_reply(Kind kind, std::string text) { return {.kind = kind, .text = std::move(text)}; }
Reply number(int64_t value) { return {.kind = Kind::integer, .integer = value}; }
Reply array(std::vector<Reply> elements) {
  return {.kind = Kind::array, .elements = std::move(elements)};
}

struct Case {
  std::string bytes;
  Reply reply;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"+OK\r\n", text_reply(Kind::status, "OK")},
      {"+\r\n", text_reply(Kind::status, "")},
      {"-NOSCRIPT No matching script.\r\n",
       text_reply(Kind::error, "NOSCRIPT No matching script.")},
      {":0\r\n", number(0)},
      {":-9223372036854775808\r\n", number(INT64_MIN)},
      {":9223372036854775807\r\n", number(INT64_MAX)},
      {"$5\r\na\r\nb\0\r\n"s, text_reply(Kind::string, "a\r\nb\0"s)},
      {"$0\r\n\r\n", text_reply(Kind::string, "")},
      {"$-1\r\n", Reply()},
      {"*-1\r\n", Reply()},
      {"*0\r\n", array({})},
      {"*3\r\n:1\r\n$-1\r\n-ERR no\r\n",
       array({number(1), Reply(), text_reply(Kind::error, "ERR no")})},
      {"*2\r\n*2\r\n:1\r\n*1\r\n+a\r\n*2\r\n:2\r\n:3\r\n",
       array({array({number(1), array({text_reply(Kind::status, "a")})}),
              array({number(2), number(3)})})},
  };
  return all;
}

Result<std::optional<Reply>> read_all(std::string_view bytes, ReplyLimits limits = {}) {
  ReplyReader reader(limits);
  reader.feed(bytes);
  return reader.next();
}

TEST(Resp, ACommandIsAnArrayOfStrings) {
  EXPECT_EQ(encoded_of({"GET", "key"}), "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
  EXPECT_EQ(encoded_of({"SET", "", std::string_view("\r\n\0", 3)}),
            "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n\r\n\0\r\n"s);
}

TEST(Resp, RepliesAreRead) {
  for (const auto& [bytes, reply] : cases()) {
    const auto read = read_all(bytes);
    ASSERT_TRUE(read && *read) << bytes;
    EXPECT_EQ(**read, reply) << bytes;
  }
}

TEST(Resp, RepliesAreReadInPiecesOfAnySizeAndInOrder) {
  std::string bytes;
  for (const auto& one : cases()) bytes += one.bytes;
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    ReplyReader reader;
    std::vector<Reply> replies;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      reader.feed(std::string_view(bytes).substr(at, piece));
      for (;;) {
        auto read = reader.next();
        ASSERT_TRUE(read);
        if (!*read) break;
        replies.push_back(**std::move(read));
      }
    }
    ASSERT_EQ(replies.size(), cases().size()) << piece;
    for (size_t i = 0; i < replies.size(); ++i) EXPECT_EQ(replies[i], cases()[i].reply);
  }
}

TEST(Resp, WhatIsNotWholeIsWaitedFor) {
  for (const auto& one : cases()) {
    for (size_t size = 0; size < one.bytes.size(); ++size) {
      const auto read = read_all(std::string_view(one.bytes).substr(0, size));
      ASSERT_TRUE(read) << one.bytes.substr(0, size);
      EXPECT_FALSE(*read) << one.bytes.substr(0, size);
    }
  }
}

TEST(Resp, WhatIsNoReplyIsAnErrorForGood) {
  for (const std::string_view bytes :
       {"HTTP/1.1 400 Bad Request\r\n", "$-2\r\n", "*-2\r\n", ":a\r\n", ":\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    ReplyReader reader;
    reader.feed(bytes);
    const auto read = reader.next();
    ASSERT_FALSE(read) << bytes;
    EXPECT_EQ(read.error().kind, ErrorKind::store_unavailable);
    reader.feed("+OK\r\n");
    EXPECT_FALSE(reader.next()) << bytes;
  }
}

TEST(Resp, AReplyHasALimitOfBytes) {
  ReplyReader reader({.max_bytes = 100});
  reader.feed("$1000000000\r\n");
  const auto begun = reader.next();
  EXPECT_TRUE(begun && !*begun);
  reader.feed(std::string(100, 'a'));
  EXPECT_FALSE(reader.next());

  // The elements that are read already count.
  ReplyReader elements({.max_bytes = 100});
  elements.feed("*1000\r\n");
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) {
    elements.feed(":1\r\n");
    refused = !elements.next();
  }
  EXPECT_TRUE(refused);
}

TEST(Resp, TheLimitIsOfOneReplyAndNotOfAll) {
  ReplyReader reader({.max_bytes = 100});
  for (int i = 0; i < 1000; ++i) {
    reader.feed("+OK\r\n+O");
    EXPECT_TRUE(reader.next().value());
    reader.feed("K\r\n");
    EXPECT_TRUE(reader.next().value());
  }
}

TEST(Resp, AReplyHasALimitOfElements) {
  const ReplyLimits limits{.max_elements = 3};
  EXPECT_TRUE(read_all("*3\r\n:1\r\n:2\r\n:3\r\n", limits));
  EXPECT_FALSE(read_all("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", limits));
  EXPECT_FALSE(read_all("*2\r\n*1\r\n:1\r\n*1\r\n:1\r\n", limits));
  // A claim alone costs nothing.
  EXPECT_TRUE(read_all("*2147483647\r\n:1\r\n"));
}

}  // namespace
}  // namespace sojourn::redis
