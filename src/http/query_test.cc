#include "http/query.h"

#include <gtest/gtest.h>

#include <array>

namespace sojourn::http {
namespace {

constexpr std::array<std::string_view, 3> kKnown{"tenantId", "customerId", "limit"};

std::string complaint(std::string_view query) {
  const auto checked = check_parameters(query, kKnown);
  if (checked) return {};
  EXPECT_EQ(checked.error().kind, ErrorKind::invalid_parameter);
  return checked.error().detail;
}

TEST(Query, ParametersAreFormEncoded) {
  EXPECT_EQ(parameter("a=b", "a"), "b");
  EXPECT_EQ(parameter("x=y&a=b+c%2Bd&z", "a"), "b c+d");
  EXPECT_EQ(parameter("a=%C3%BC=%26", "a"), "\xC3\xBC=&");
  EXPECT_EQ(parameter("%61=b", "a"), "b");
  EXPECT_EQ(parameter("a+b=c", "a b"), "c");
  EXPECT_EQ(parameter("a%2Bb=c", "a+b"), "c");
  EXPECT_EQ(parameter("a+b=c", "a+b"), std::nullopt);
  EXPECT_EQ(parameter("a", "a"), "");
  EXPECT_EQ(parameter("a=", "a"), "");
  EXPECT_EQ(parameter("&&a=b&&", "a"), "b");
  EXPECT_EQ(parameter("", "a"), std::nullopt);
  EXPECT_EQ(parameter("A=b&aa=c&=a", "a"), std::nullopt);
}

TEST(Query, AParameterIsGivenOnceAndWellEncoded) {
  for (const auto* bad : {"a=b&a=b", "a&a", "a=b&%61=c", "a=%", "a=%4", "a=%zz", "a=b%"}) {
    EXPECT_EQ(parameter(bad, "a").error().kind, ErrorKind::invalid_parameter) << bad;
  }
}

TEST(Query, UnknownParametersAreRefusedWithTheNearestKnownOne) {
  for (const auto* good : {"", "&&", "tenantId=1", "limit&tenantId=1&", "%74enantId=1", "="}) {
    EXPECT_EQ(complaint(good), "") << good;
  }
  EXPECT_EQ(complaint("tenantId=1&custmerId=bob"),
            "This call has no parameter \"custmerId\"; customerId was probably meant.");
  EXPECT_EQ(complaint("tenantid=1"),
            "This call has no parameter \"tenantid\"; tenantId was probably meant.");
  EXPECT_EQ(complaint("_=17"),
            "This call has no parameter \"_\"; it has tenantId, customerId and limit.");
  EXPECT_EQ(complaint("=x"),
            "This call has no parameter \"\"; it has tenantId, customerId and limit.");
  EXPECT_EQ(complaint("%zz=1"),
            "This call has no parameter \"%zz\"; it has tenantId, customerId and limit.");
  const std::string shown = complaint(std::string(1000, 'x') + "=1");
  EXPECT_LT(shown.size(), 200u);
}

}  // namespace
}  // namespace sojourn::http
