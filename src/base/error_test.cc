#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

namespace sojourn {
namespace {

TEST(Error, EveryKindHasACodeOfItsOwn) {
  std::set<std::string_view> codes;
  const int kinds = static_cast<int>(ErrorKind::internal) + 1;
  for (int i = 0; i < kinds; ++i) codes.insert(code_of(static_cast<ErrorKind>(i)));
  EXPECT_EQ(codes.size(), static_cast<size_t>(kinds));
}

TEST(Error, FailureConvertsToAnyResult) {
  Result<int> result = failure(ErrorKind::store_full, "grow the map");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), (Error{ErrorKind::store_full, "grow the map"}));
}

}  // namespace
}  // namespace sojourn
