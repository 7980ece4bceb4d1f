#include "body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sojourn::api {
namespace {

using testing::HasSubstr;

std::string nested(int depth) {
  std::string text = R"({"x":)";
  for (int i = 1; i < depth; ++i) text += '[';
  for (int i = 1; i < depth; ++i) text += ']';
  return text + "}";
}

TEST(Body, ReadsTheFourMembersTrimmed) {
  const auto update = parse_body(
      R"( {"visitId":"v\u00e9","customerId":" c \t", "globalVisitId":" g g ","agentId":"a"} )");
  ASSERT_TRUE(update);
  EXPECT_EQ(
      update->identity,
      (domain::Identity{
          .agent_id = "a", .customer_id = "c", .visit_id = "v\xC3\xA9", .global_visit_id = "g g"}));
}

TEST(Body, NullAndEmptyMeanAbsent) {
  for (const auto* body : {R"({"visitId":null,"globalVisitId":"","attributes":null})",
                           R"({"agentId":null,"customerId":" \t","visitId":" "})", "{}"}) {
    const auto update = parse_body(body);
    ASSERT_TRUE(update);
    EXPECT_EQ(update->identity, domain::Identity());
    EXPECT_EQ(update->attributes, "");
  }
}

TEST(Body, UnknownMembersAreIgnoredAtAnyDepth) {
  const auto update = parse_body(
      R"({"a":1,"b":-2.5e3,"c":[true,null,"x",18446744073709551615],"d":{"visitId":7},"visitId":"v",)"
      R"("e":{"visitId":"w"},"f":[{"k":1},{"k":2}]})");
  ASSERT_TRUE(update) << update.error().detail;
  EXPECT_EQ(update->identity.visit_id, "v");
  EXPECT_EQ(update->attributes, "");
}

TEST(Body, AttributesAreKeptAsTheyAreWithoutWhiteSpace) {
  const auto update = parse_body(
      R"({"x":{"y":1}, "attributes" : { "a" : 1.50, "b":[1, "t", null, {"c":{}, "d":[]}], "e":{"visitId":7},)"
      R"( "\u0041\n":true, "f":12345678901234567890123 }, "z":[2]})");
  ASSERT_TRUE(update) << update.error().detail;
  EXPECT_EQ(update->attributes,
            R"({"a":1.50,"b":[1,"t",null,{"c":{},"d":[]}],"e":{"visitId":7},"A\n":true,)"
            R"("f":12345678901234567890123})");
  EXPECT_EQ(update->identity, domain::Identity());
  EXPECT_EQ(parse_body(R"({"attributes":{}})")->attributes, "{}");
}

TEST(Body, SaysWhatIsWrong) {
  const struct {
    std::string body;
    std::string says;
  } cases[] = {
      {R"({"visitId":"a","visitId":"b"})", "\"visitId\" is given twice"},
      {R"({"x":{"y":1,"y":2}})", "\"y\" is given twice"},
      {R"({"a\u0062":1,"ab":2})", "\"ab\" is given twice"},
      {R"({"visitId":1})", "\"visitId\" must be a string or null, and is a number"},
      {R"({"visitId":1.5})", "must be a string or null, and is a number"},
      {R"({"globalVisitId":true})", "\"globalVisitId\" must be a string or null, and is a boolean"},
      {R"({"visitId":{}})", "must be a string or null, and is an object"},
      {R"({"visitId":["v"]})", "must be a string or null, and is an array"},
      {R"({"visitId":")" + std::string(257, 'v') + R"("})",
       "may have up to 256 bytes, and has 257"},
      {R"({"customerId":"a\nb"})", "\"customerId\" has a control character"},
      {R"({"agentId":"\u0085"})", "\"agentId\" has a control character"},
      {R"({"agentId":7})", "\"agentId\" must be a string or null, and is a number"},
      {R"({"attributes":"x"})", "\"attributes\" must be an object or null, and is a string"},
      {R"({"attributes":[]})", "\"attributes\" must be an object or null, and is an array"},
      {R"({"attributes":1})", "\"attributes\" must be an object or null, and is a number"},
      {R"({"attributes":{"a":1,"a":2}})", "\"a\" is given twice"},
      {R"([])", "must be one JSON object, and is an array"},
      {R"("text")", "must be one JSON object, and is a string"},
      {R"(42)", "must be one JSON object, and is a number"},
      {R"(null)", "must be one JSON object, and is null"},
      {R"(true)", "must be one JSON object, and is a boolean"},
      {R"({"visitId":"v"} x)", "goes on after its JSON object at byte 16"},
      {R"({}{})", "goes on after its JSON object at byte 2"},
      {R"({"visitId":"v")", "ends at byte 14 before its JSON object does"},
      {"   ", "ends at byte 3"},
      {R"({"visitId":"v",})", "not JSON at byte 15"},
      {R"({visitId:"v"})", "not JSON at byte 1"},
      {"{\"visitId\":\"\xFF\"}", "not JSON at byte 12"},
      {"{\"visitId\":\"a\nb\"}", "not JSON at byte 13"},
      {R"({"visitId":"\ud800"})", "not JSON at byte"},
      {R"(/* no */{})", "not JSON at byte 0"},
      {nested(33), "nested deeper than 32 at byte"},
  };
  for (const auto& [body, says] : cases) {
    const auto result = parse_body(body);
    ASSERT_FALSE(result) << body;
    EXPECT_EQ(result.error().kind, ErrorKind::invalid_body);
    EXPECT_THAT(result.error().detail, HasSubstr(says)) << body;
  }
}

TEST(Body, Accepts32LevelsAnd256Bytes) {
  EXPECT_TRUE(parse_body(nested(32)));
  EXPECT_TRUE(parse_body(R"({"visitId":")" + std::string(256, 'v') + R"("})"));
  EXPECT_TRUE(parse_body(R"({"visitId":"  )" + std::string(256, 'v') + R"(  "})"));
}

}  // namespace
}  // namespace sojourn::api
