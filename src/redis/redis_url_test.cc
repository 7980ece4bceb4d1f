// URLs: what they mean, and what is said of wrong ones.
#include "redis/redis_url.h"

#include <gmock/gmock.h>

namespace sojourn::redis {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Good {
  std::string_view text;
  RedisUrl url;
};

TEST(RedisUrl, SaysWhereAndAsWhom) {
  const Good cases[] = {
      {"redis://localhost", {.nodes = {{"localhost", 6379}}}},
      {"redis://localhost/", {.nodes = {{"localhost", 6379}}}},
      {"redis://10.0.0.1:7000/0", {.nodes = {{"10.0.0.1", 7000}}}},
      {"rediss://r.example:6380", {.tls = true, .nodes = {{"r.example", 6380}}}},
      {"redis://a:1,b,[::1]:3", {.nodes = {{"a", 1}, {"b", 6379}, {"::1", 3}}}},
      {"redis://[fe80::1]", {.nodes = {{"fe80::1", 6379}}}},
      {"redis://:secret@h", {.password = "secret", .nodes = {{"h", 6379}}}},
      {"redis://u:p%40%2F%25@h:65535",
       {.username = "u", .password = "p@/%", .nodes = {{"h", 65535}}}},
      {"redis://u:a:b@h", {.username = "u", .password = "a:b", .nodes = {{"h", 6379}}}},
  };
  for (const auto& [text, expected] : cases) {
    const auto url = parsed_url(text);
    ASSERT_TRUE(url) << text << ": " << url.error().detail;
    EXPECT_EQ(*url, expected) << text;
  }
}

struct Bad {
  std::string_view text;
  std::string_view says;
};

TEST(RedisUrl, SaysWhatIsWrong) {
  const Bad cases[] = {
      {"", "must begin with redis://"},
      {"localhost:6379", "must begin with redis://"},
      {"http://localhost", "must begin with redis://"},
      {"REDIS://localhost", "must begin with redis://"},
      {"redis://", "lacks a host"},
      {"redis://:6379", "lacks a host"},
      {"redis://a,", "lacks a host"},
      {"redis://a,,b", "lacks a host"},
      {"redis://a:", "port"},
      {"redis://a:0", "port"},
      {"redis://a:65536", "port"},
      {"redis://a:+1", "port"},
      {"redis://a:1x", "port"},
      {"redis://::1", "lacks a host"},
      {"redis://fe80::1", "an IPv6 address stands in []"},
      {"redis://[::1", "without its"},
      {"redis://[::1]x", "port"},
      {"redis://[a]:1", "IPv6"},
      {"redis://a b", "host that is none"},
      {"redis://a\n", "host that is none"},
      {"redis://a/1", "database 0"},
      {"redis://a?db=1", "query"},
      {"redis://a#1", "query or a fragment"},
      {"redis://hunter2@h", "no \":\""},
      {"redis://user:@h", "user without a password"},
      {"redis://u:hunter2@@h", "percent-encoded"},
      {"redis://u:hunter2/@h", "percent-encoded"},
      {"redis://u:hunter2%@h", "%25"},
      {"redis://u:hunter2@h:x", "port"},
  };
  for (const auto& [text, says] : cases) {
    const auto url = parsed_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().kind, ErrorKind::invalid_parameter);
    EXPECT_THAT(url.error().detail, HasSubstr(says)) << text;
    EXPECT_THAT(url.error().detail, Not(HasSubstr("hunter2"))) << text;
  }
}

}  // namespace
}  // namespace sojourn::redis
