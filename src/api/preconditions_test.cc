#include "preconditions.h"

#include <gtest/gtest.h>

#include <vector>

namespace sojourn::api {
namespace {

Result<domain::Preconditions> read(std::vector<http::Field> fields) {
  return read_preconditions({.fields = fields});
}

TEST(Preconditions, AreAbsentUnlessSent) {
  EXPECT_FALSE(read({{"If-Range", "\"1\""}, {"If-Modified-Since", "yesterday"}})->given());
  EXPECT_FALSE(read({{"if-match", "\"1\""}})->if_none_match);
  EXPECT_FALSE(read({{"IF-NONE-MATCH", "\"1\""}})->if_match);
}

TEST(Preconditions, AreListsOfEntityTags) {
  const auto tags = [](std::string_view value) { return *read({{"If-Match", value}})->if_match; };
  EXPECT_TRUE(tags("*").any);
  EXPECT_TRUE(tags(R"("2")").match_strongly(2));
  EXPECT_FALSE(tags(R"("2")").match_strongly(1));
  EXPECT_TRUE(tags(R"("x", "3" ,W/"4")").match_strongly(3));
  EXPECT_FALSE(tags(R"("3", W/"4")").match_strongly(4));
  EXPECT_TRUE(tags(R"("3", W/"4")").match_weakly(4));
  EXPECT_TRUE(tags(R"(, "2",)").match_strongly(2));
  EXPECT_FALSE(tags(R"("02", "")").match_weakly(2));
  EXPECT_TRUE(tags("W/\"x\"").weak.empty()) << "no session has it";
}

TEST(Preconditions, SeveralFieldsAreOneList) {
  const auto tags = *read({{"If-Match", "\"2\""}, {"If-Match", "\"3\""}})->if_match;
  EXPECT_TRUE(tags.match_strongly(2) && tags.match_strongly(3));
  for (const auto& [first, second] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"*", "\"2\""}, {"\"2\"", "*"}, {"*", "*"}, {"\"2\"", "3"}, {"\"2\"", ""}}) {
    EXPECT_FALSE(read({{"If-Match", first}, {"If-Match", second}})) << first << " " << second;
  }
}

TEST(Preconditions, OtherTextIsRefused) {
  for (const auto* bad : {"2", "", R"("2)", R"("2" "3")", ",", R"("2";)", "W/2", R"(w/"2")",
                          R"(*, "2")", R"("2", *)"}) {
    for (const auto* name : {"If-Match", "If-None-Match"}) {
      const auto refused = read({{name, bad}});
      ASSERT_FALSE(refused) << bad;
      EXPECT_EQ(refused.error().kind, ErrorKind::invalid_header);
      EXPECT_TRUE(refused.error().detail.contains(name));
    }
  }
}

TEST(Preconditions, AreRefusedWhereThereIsNoEntityTag) {
  EXPECT_TRUE(refuse_preconditions({}));
  for (const auto* name : {"if-match", "If-None-Match"}) {
    const std::vector<http::Field> fields{{"Accept", "*/*"}, {name, "\"1\""}};
    const auto refused = refuse_preconditions({.fields = fields});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_header);
  }
}

}  // namespace
}  // namespace sojourn::api
