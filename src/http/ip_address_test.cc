#include "http/ip_address.h"

#include <gtest/gtest.h>

namespace sojourn::http {
namespace {

std::string again(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? address->text() : "none";
}

TEST(IpAddress, IsReadAndWritten) {
  EXPECT_EQ(again("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(again("2001:DB8:0::1"), "2001:db8::1");
  EXPECT_EQ(again("::"), "::");
  EXPECT_EQ(IpAddress(), IpAddress::parse("::"));
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ", "[::1]", "::1%lo",
                           "fe80::1%1", "1.2.3.4:80", "localhost", "_x", "01.2.3.4", "1::2::3",
                           "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"}) {
    EXPECT_EQ(again(text), "none") << text;
  }
  EXPECT_EQ(again(std::string_view("1.2.3.4\0", 8)), "none");
}

TEST(IpAddress, OfIPv4InIPv6IsIPv4) {
  EXPECT_EQ(again("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(IpAddress::parse("::ffff:c000:201"), IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->bytes().size(), 4u);
  EXPECT_EQ(IpAddress::parse("::1")->bytes().size(), 16u);
}

TEST(IpNetwork, ContainsWhatBeginsAlike) {
  const auto contains = [](std::string_view network, std::string_view address) {
    return IpNetwork::parse(network).value().contains(IpAddress::parse(address).value());
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.255"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(contains("192.0.2.1", "::ffff:192.0.2.1"));
  EXPECT_FALSE(contains("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(contains("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_FALSE(contains("::/0", "1.2.3.4"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(contains("2001:db8::1/128", "2001:db8::1"));
}

TEST(IpNetwork, IsReadStrictlyAndWritten) {
  for (const char* text : {"10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1", "0.0.0.0/0"}) {
    ASSERT_TRUE(IpNetwork::parse(text)) << text;
    EXPECT_EQ(IpNetwork::parse(text)->text(), text);
  }
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                           "10.0.0.1/8", "2001:db8::1/32", "::/129", "::ffff:10.0.0.0/8", "lan"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

}  // namespace
}  // namespace sojourn::http
