#include "connections_by_client.h"

#include <gtest/gtest.h>

namespace sojourn::http {
namespace {

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

TEST(ConnectionsByClient, OneMoreThanItsShareIsNotCounted) {
  ConnectionsByClient open;
  EXPECT_TRUE(open.take(address("192.0.2.1"), 2));
  EXPECT_TRUE(open.take(address("192.0.2.1"), 2));
  EXPECT_FALSE(open.take(address("192.0.2.1"), 2));
  EXPECT_TRUE(open.take(address("192.0.2.2"), 2)) << "another client has its own";
  open.give_back(address("192.0.2.1"));
  EXPECT_TRUE(open.take(address("192.0.2.1"), 2));
  EXPECT_FALSE(open.take(address("192.0.2.1"), 2));
}

TEST(ConnectionsByClient, AnIpv6NetworkIsOneClient) {
  ConnectionsByClient open;
  EXPECT_TRUE(open.take(address("2001:db8:0:1::1"), 1));
  EXPECT_FALSE(open.take(address("2001:db8:0:1:ffff::2"), 1)) << "in the same /64";
  EXPECT_TRUE(open.take(address("2001:db8:0:2::1"), 1));
  open.give_back(address("2001:db8:0:1::3"));
  EXPECT_TRUE(open.take(address("2001:db8:0:1::4"), 1));
}

TEST(ConnectionsByClient, CountsWithoutALimitForTheDayThatThereIsOne) {
  ConnectionsByClient open;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open.take(address("192.0.2.1"), 0));
  EXPECT_FALSE(open.take(address("192.0.2.1"), 3));
  EXPECT_TRUE(open.take(address("192.0.2.1"), 4));
}

TEST(ConnectionsByClient, ForgetsAClientThatHoldsNone) {
  ConnectionsByClient open;
  EXPECT_TRUE(open.take(address("192.0.2.1"), 2));
  EXPECT_TRUE(open.take(address("192.0.2.1"), 2));
  EXPECT_EQ(open.clients(), 1U);
  open.give_back(address("192.0.2.1"));
  EXPECT_EQ(open.clients(), 1U);
  open.give_back(address("192.0.2.1"));
  EXPECT_EQ(open.clients(), 0U);
}

}  // namespace
}  // namespace sojourn::http
