#include "base/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace sojourn {
namespace {

std::string_view nearest(std::string_view misspelt) {
  Nearest nearest(misspelt);
  for (const auto* name : {"tenantId", "customerId", "agentId", "limit", "id"}) {
    nearest.consider(name);
  }
  return nearest.best();
}

TEST(Nearest, IsTheNameWithTheFewestLettersToChange) {
  EXPECT_EQ(nearest("tenantID"), "tenantId");
  EXPECT_EQ(nearest("agnetId"), "agentId");
  EXPECT_EQ(nearest("customer_id"), "customerId");
  EXPECT_EQ(nearest("limits"), "limit");
}

TEST(Nearest, IsNoneWhenAllAreFar) {
  EXPECT_EQ(nearest(""), "");
  EXPECT_EQ(nearest("_"), "");
  EXPECT_EQ(nearest("expiresAt"), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x')), "");
}

}  // namespace
}  // namespace sojourn
