#include "http/fields.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sojourn::http {
namespace {

std::vector<std::string> elements(std::string_view list, char separator = ',') {
  std::vector<std::string> all;
  for (std::string_view one; !(one = take_element(list, separator)).empty();) {
    all.emplace_back(one);
  }
  return all;
}

TEST(Fields, AreFoundByNameInTheOrderSent) {
  const std::vector<Field> fields{{"Accept", "a"}, {"X", "b"}, {"ACCEPT", "c"}, {"Accepted", "d"}};
  std::vector<std::string_view> found;
  for (const std::string_view value : values_of(fields, "accept")) found.push_back(value);
  EXPECT_EQ(found, (std::vector<std::string_view>{"a", "c"}));
  EXPECT_TRUE(values_of(fields, "Y").empty());
}

TEST(Fields, AValueThatIsNoListMayBeSentOnce) {
  const std::vector<Field> fields{{"A", "1"}, {"B", ""}, {"C", "x"}, {"c", "x"}};
  EXPECT_EQ(only_value_of(fields, "a"), "1");
  EXPECT_EQ(only_value_of(fields, "B"), "");
  EXPECT_EQ(only_value_of(fields, "D"), std::nullopt);
  const auto twice = only_value_of(fields, "C");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().kind, ErrorKind::invalid_header);
  EXPECT_EQ(twice.error().detail, "C is sent more than once; send it once.");
}

TEST(Fields, ListsAreTakenApart) {
  using List = std::vector<std::string>;
  EXPECT_EQ(elements(""), List{});
  EXPECT_EQ(elements(" ,\t, "), List{});
  EXPECT_EQ(elements("a"), List{"a"});
  EXPECT_EQ(elements(", a ,,b\t,"), (List{"a", "b"}));
  EXPECT_EQ(elements(R"(a;x="1,\"2,",b)"), (List{R"(a;x="1,\"2,")", "b"}));
  EXPECT_EQ(elements(R"(a;x="1,2)"), List{R"(a;x="1,2)"});
  EXPECT_EQ(elements("\"\\"), List{"\"\\"});
  EXPECT_EQ(elements(R"(a; q=1 ;b=";")", ';'), (List{"a", "q=1", R"(b=";")"}));
}

TEST(Fields, TokensOfAListHaveNoCaseAndTheirParametersDoNotCount) {
  EXPECT_TRUE(list_has("x, Close", "close"));
  EXPECT_TRUE(list_has("close;timeout=5, x", "close"));
  EXPECT_TRUE(list_has("100-continue,x=\"a,b\"", "100-continue"));
  EXPECT_FALSE(list_has("closed, x;close", "close"));
  EXPECT_FALSE(list_has("", "close"));
}

}  // namespace
}  // namespace sojourn::http
