#include "domain/canonical_json.h"

#include <gtest/gtest.h>

namespace sojourn::domain {
namespace {

TEST(CanonicalJson, MembersAreSortedAtAllDepths) {
  EXPECT_EQ(canonical_json(R"({"b":{"d":1,"c":[{"f":1,"e":2},[{"h":1,"g":2}]]},"a":null})"),
            R"({"a":null,"b":{"c":[{"e":2,"f":1},[{"g":2,"h":1}]],"d":1}})");
  EXPECT_EQ(canonical_json(R"({"":1,"a":{"":{}}})"), R"({"":1,"a":{"":{}}})");
  EXPECT_EQ(canonical_json(R"({"B":1,"a":2,"aa":3})"), R"({"B":1,"a":2,"aa":3})");
}

TEST(CanonicalJson, ElementsKeepTheirOrder) {
  EXPECT_EQ(canonical_json(R"([3, 1, [ ], "", {} , true])"), R"([3,1,[],"",{},true])");
}

TEST(CanonicalJson, StringsHaveOneFormAndNumbersAreAsSent) {
  EXPECT_EQ(canonical_json(R"( {"\u0061\/":"\u00fc\n\u001F"} )"),
            "{\"a/\":\"\xC3\xBC\\n\\u001f\"}");
  EXPECT_EQ(canonical_json("[1, 1.0, 1e0, -0, 12345678901234567890123]"),
            "[1,1.0,1e0,-0,12345678901234567890123]");
}

TEST(CanonicalJson, LongKeysStringsAndNumbersComeWhole) {
  const std::string longest(10'000, 'x'), digits(400, '7');
  const std::string json = R"({")" + longest + R"(":")" + longest + R"(","y":)" + digits + "}";
  EXPECT_EQ(canonical_json(json), json);
}

TEST(CanonicalJson, OtherTextComesBackAsItIs) {
  for (const auto* text : {"", "{", "{} {}", "[1,]", "nul", "\xFF"}) {
    EXPECT_EQ(canonical_json(text), text);
  }
}

}  // namespace
}  // namespace sojourn::domain
