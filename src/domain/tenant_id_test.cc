#include "domain/tenant_id.h"

#include <gtest/gtest.h>

namespace sojourn::domain {
namespace {

TEST(TenantId, AcceptsAnyUtf8OfUpTo128Bytes) {
  EXPECT_EQ(TenantId::parse("1")->text(), "1");
  EXPECT_EQ(TenantId::parse("Z\xC3\xBCrich / 7")->text(), "Z\xC3\xBCrich / 7");
  EXPECT_TRUE(TenantId::parse(std::string(128, 'x')).has_value());
}

TEST(TenantId, SaysWhatIsWrong) {
  EXPECT_EQ(TenantId::parse("").error().kind, ErrorKind::tenant_id_required);
  for (const auto& bad : {std::string(129, 'x'), std::string("a\nb"), std::string("a\0b", 3),
                          std::string("\xFF"), std::string("\x7F")}) {
    EXPECT_EQ(TenantId::parse(bad).error().kind, ErrorKind::invalid_parameter);
  }
}

}  // namespace
}  // namespace sojourn::domain
