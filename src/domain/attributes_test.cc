#include "domain/attributes.h"

#include <gtest/gtest.h>

namespace sojourn::domain {
namespace {

std::string merge(std::string_view current, std::string_view patch) {
  return *merged_attributes(current, patch);
}

// The examples of RFC 7396, appendix A, as far as both sides are objects.
TEST(Attributes, Rfc7396Examples) {
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"a":null})"), "");
  EXPECT_EQ(merge(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merge(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merge(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merge(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(merge(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merge(R"({"e":null})", R"({"a":1})"), R"({"a":1,"e":null})");
  EXPECT_EQ(merge("", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(Attributes, AnEmptyPatchChangesNothing) {
  EXPECT_EQ(merge("", ""), "");
  EXPECT_EQ(merge(R"({"a":1})", ""), R"({"a":1})");
  EXPECT_EQ(merge(R"({"a":1})", "{}"), R"({"a":1})");
  EXPECT_EQ(merge("", "{}"), "");
}

TEST(Attributes, ValuesComeBackAsTheyWereWritten) {
  const std::string text =
      R"({"b":[true,null,{"x":[]},{}],"d":1.50,"e":1E+2,"i":12345678901234567890123,"n":{"m":-0.0},)"
      R"("t":"\"\\ \u0000"})";
  EXPECT_EQ(merge("", text), text);
  EXPECT_EQ(merge(text, "{}"), text);
  EXPECT_EQ(merge("", R"( { "a" : [ 1 , { "k" : null , "l" : 2 } , "s" ] } )"),
            R"({"a":[1,{"k":null,"l":2},"s"]})");
}

TEST(Attributes, HaveALimit) {
  const std::string most = R"({"a":")" + std::string(kMaxAttributesBytes - 8, 'x') + R"("})";
  ASSERT_EQ(most.size(), kMaxAttributesBytes);
  EXPECT_EQ(merge("", most), most);
  EXPECT_EQ(merged_attributes(most, R"({"b":1})").error().kind, ErrorKind::body_too_large);
  EXPECT_EQ(merge(most, R"({"a":1,"b":2})"), R"({"a":1,"b":2})");
}

}  // namespace
}  // namespace sojourn::domain
