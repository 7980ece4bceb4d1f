#include "authority.h"

#include <gtest/gtest.h>

namespace sojourn::http {
namespace {

TEST(Authority, IsAHostAndPerhapsAPort) {
  for (const auto* good :
       {"h", "sojourn.example", "sojourn.example:9092", "h:", "h:0", "127.0.0.1:80", "[::1]",
        "[::1]:9092", "[2001:db8::192.0.2.1]:443", "[v1.fe80::a+en1]", "[VF.:]:1",
        "a_b~c!$&'()*+;=", "%41%c3%BC.example", "xn--bcher-kva.example.", "999.1"}) {
    EXPECT_TRUE(is_authority(good)) << good;
  }
}

TEST(Authority, IsNothingElse) {
  for (const auto* bad : {"",
                          ":",
                          ":80",
                          "h:80a",
                          "h:-1",
                          "h:+80",
                          "h:8 0",
                          "h::80",
                          "h:80:81",
                          "::1",
                          "[::1",
                          "::1]",
                          "[]",
                          "[]:80",
                          "[1]",
                          "[127.0.0.1]",
                          "[::1]80",
                          "[::1]x:80",
                          "[fe80::1%25eth0]",
                          "[::g]",
                          "[v.a]",
                          "[v1.]",
                          "[v1]",
                          "[vg.a]",
                          "[v1.a@b]",
                          "user@h",
                          "user:password@h:80",
                          "h/",
                          "h/a",
                          "h?a",
                          "h#a",
                          "a,b",
                          "a b",
                          "%",
                          "%4",
                          "%4g",
                          "a\\b",
                          "\"h\"",
                          "h\xC3\xBC",
                          "<h>"}) {
    EXPECT_FALSE(is_authority(bad)) << bad;
  }
}

}  // namespace
}  // namespace sojourn::http
