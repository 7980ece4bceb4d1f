#include "client_address.h"

#include <gtest/gtest.h>

#include <vector>

namespace sojourn::http {
namespace {

constexpr const char* kProxy = "127.0.0.1";

std::string client(const std::vector<Field>& fields, std::string_view peer = kProxy) {
  const std::vector<IpNetwork> trusted = {
      *IpNetwork::parse("127.0.0.1"), *IpNetwork::parse("10.0.0.0/8"), *IpNetwork::parse("::1")};
  return client_address(*IpAddress::parse(peer), fields, trusted).text();
}

TEST(ClientAddress, IsThePeersWhenItIsNotTrustedOrSaysNothing) {
  EXPECT_EQ(client({{"X-Forwarded-For", "192.0.2.1"}}, "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(client({{"Forwarded", "for=192.0.2.1"}}, "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(client({}), kProxy);
  EXPECT_EQ(client({{"X-Real-IP", "192.0.2.1"}}), kProxy);
  const std::vector<Field> fields = {{"X-Forwarded-For", "192.0.2.1"}};
  EXPECT_EQ(client_address(*IpAddress::parse(kProxy), fields, {}).text(), kProxy);
}

TEST(ClientAddress, FromXForwardedFor) {
  const struct {
    const char *value, *client;
  } table[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1:4711", "192.0.2.1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"2001:db8::1", "2001:db8::1"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"[2001:db8::1]:80", "2001:db8::1"},
      // A client's own words are on the left of what the proxies say.
      {"203.0.113.9, 192.0.2.1", "192.0.2.1"},
      {"\"203.0.113.9, 192.0.2.1", "192.0.2.1"},
      {"203.0.113.9 ,\t192.0.2.1 ", "192.0.2.1"},
      // Over proxies that are trusted.
      {"203.0.113.9, 192.0.2.1, 10.1.2.3", "192.0.2.1"},
      {"192.0.2.1,10.1.2.3,::1,10.0.0.1", "192.0.2.1"},
      {"10.1.2.3, 10.1.2.4", "10.1.2.3"},
      // What names nobody ends the way.
      {"", kProxy},
      {",", kProxy},
      {"192.0.2.1,", kProxy},
      {"192.0.2.1, unknown", kProxy},
      {"192.0.2.1, _hidden, 10.0.0.1", "10.0.0.1"},
      {"192.0.2.1, 1.2.3, 10.0.0.1", "10.0.0.1"},
      {"192.0.2.1, , 10.0.0.1", "10.0.0.1"},
      {"192.0.2.1:", kProxy},
      {"192.0.2.1:123456", kProxy},
      {"192.0.2.1:x", kProxy},
      {"[192.0.2.1]", kProxy},
      {"[]", kProxy},
      {"[2001:db8::1", kProxy},
      {"2001:db8::1]", kProxy},
      {"[2001:db8::1]80", kProxy},
      {"for=192.0.2.1", kProxy},
  };
  for (const auto& [value, expected] : table) {
    EXPECT_EQ(client({{"x-forwarded-for", value}}), expected) << value;
  }
}

TEST(ClientAddress, FromForwarded) {
  const struct {
    const char *value, *client;
  } table[] = {
      {"for=192.0.2.1", "192.0.2.1"},
      {"For=\"192.0.2.1:80\"", "192.0.2.1"},
      {"FOR=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"},
      {"for=192.0.2.43;proto=http;by=203.0.113.43", "192.0.2.43"},
      {"proto=http ; for=192.0.2.43", "192.0.2.43"},
      {"for=203.0.113.9, for=192.0.2.1;by=10.0.0.1, for=10.0.0.1", "192.0.2.1"},
      {"for=203.0.113.9,for=192.0.2.1;host=\"a,b;for=203.0.113.9\"", "192.0.2.1"},
      {"for=203.0.113.9,for=192.0.2.1;host=\"a\\\",for=203.0.113.9\"", "192.0.2.1"},
      {"for=203.0.113.9,for=192.0.2.1;host=\"a\\\\\"", "192.0.2.1"},
      // A quote that the client left open takes nothing of what the proxy says.
      {"for=\"203.0.113.9, for=192.0.2.1", "192.0.2.1"},
      {"for=\"203.0.113.9\\, for=\"192.0.2.1\"", "192.0.2.1"},
      // What names nobody ends the way.
      {"for=192.0.2.1, for=unknown", kProxy},
      {"for=192.0.2.1, for=_SEVKISEK, for=10.0.0.1", "10.0.0.1"},
      {"for=192.0.2.1, proto=https", kProxy},
      {"for=192.0.2.1;for=192.0.2.2", kProxy},
      {"for=", kProxy},
      {"for", kProxy},
      {"for=\"", kProxy},
      {"for=\"192.0.2.1", kProxy},
      {"for=\"2001:db8::1:x\"", kProxy},
      {"192.0.2.1", kProxy},
      {"", kProxy},
  };
  for (const auto& [value, expected] : table) {
    EXPECT_EQ(client({{"Forwarded", value}}), expected) << value;
  }
}

TEST(ClientAddress, OfSeveralFieldsTheLastIsTheLastHop) {
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.9"},
                    {"Accept", "*/*"},
                    {"X-Forwarded-For", "192.0.2.1, 10.0.0.1"}}),
            "192.0.2.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-For", "10.0.0.1"}}),
            "192.0.2.1");
}

TEST(ClientAddress, ForwardedIsPreferredEvenWhenItNamesNobody) {
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.9"}, {"Forwarded", "for=192.0.2.1"}}),
            "192.0.2.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.9"}, {"Forwarded", "for=unknown"}}), kProxy);
}

}  // namespace
}  // namespace sojourn::http
