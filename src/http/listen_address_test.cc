#include "http/listen_address.h"

#include <gtest/gtest.h>

namespace sojourn::http {
namespace {

TEST(ListenAddress, IsAHostAndAPort) {
  for (const auto& [text, host, port] : {std::tuple{"127.0.0.1:9092", "127.0.0.1", 9092},
                                         {"localhost:0", "localhost", 0},
                                         {"[::1]:65535", "::1", 65535},
                                         {"0.0.0.0:1", "0.0.0.0", 1}}) {
    const auto address = parse_listen_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
  }
}

TEST(ListenAddress, AnythingElseIsNone) {
  for (const auto* text : {"", ":", ":1", "a", "a:", "a:x", "a:1x", "a:-1", "a:+1", "a: 1",
                           "a:65536", "::1:1", "::1", "[]:1", "[::1]", "[::1]:", "a:1:2"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
}

}  // namespace
}  // namespace sojourn::http
