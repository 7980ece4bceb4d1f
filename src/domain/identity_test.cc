#include "domain/identity.h"

#include <gtest/gtest.h>

namespace sojourn::domain {
namespace {

TEST(Identity, NamedByAgentCustomerOrVisit) {
  EXPECT_TRUE(Identity{}.anonymous());
  EXPECT_TRUE(Identity{.global_visit_id = "g"}.anonymous());
  EXPECT_FALSE(Identity{.agent_id = "a"}.anonymous());
  EXPECT_FALSE(Identity{.customer_id = "c"}.anonymous());
  EXPECT_FALSE(Identity{.visit_id = "v"}.anonymous());
}

TEST(Identity, MergeReplacesWhatIsGivenAndKeepsTheRest) {
  const Identity current{.agent_id = "a", .customer_id = "c", .visit_id = "v"};
  EXPECT_EQ(merged(current, {}), current);
  EXPECT_EQ(
      merged(current, {.visit_id = "w", .global_visit_id = "g"}),
      (Identity{.agent_id = "a", .customer_id = "c", .visit_id = "w", .global_visit_id = "g"}));
}

}  // namespace
}  // namespace sojourn::domain
