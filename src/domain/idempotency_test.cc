#include "domain/idempotency.h"

#include <gtest/gtest.h>

namespace sojourn::domain {
namespace {

TEST(FiledKey, IsTheKeyBehindTheNameOfItsCaller) {
  EXPECT_EQ(filed_key("", "k"), "k");
  EXPECT_EQ(filed_key("web", "k"), "web k");
  EXPECT_NE(filed_key("web", "k"), filed_key("", "webk"));
  EXPECT_NE(filed_key("a", "bk"), filed_key("ab", "k"));
}

TEST(FiledKey, IsToldFromOtherText) {
  const std::string caller(kMaxCallerBytes, 'c'), key(kMaxIdempotencyKeyBytes, 'k');
  EXPECT_EQ(filed_key(caller, key).size(), kMaxFiledKeyBytes);
  for (const auto& good : {key, filed_key(caller, key), std::string("!~"), std::string("a b")}) {
    EXPECT_TRUE(is_filed_key(good)) << good;
  }
  for (const auto& bad :
       {std::string(), key + "k", caller + "c k", filed_key(caller, key) + "k", std::string(" k"),
        std::string("a "), std::string("a b c"), std::string("a\tb"), std::string("\xC3\xAB")}) {
    EXPECT_FALSE(is_filed_key(bad)) << bad;
  }
}

}  // namespace
}  // namespace sojourn::domain
