#include "keys.h"

#include <gtest/gtest.h>

#include <set>

#include "encoding/keys.h"
#include "redis/slot.h"
#include "testing/sessions.h"

namespace sojourn::redis {
namespace {

// The format document, byte by byte.
TEST(Keys, HaveTheDocumentedBytes) {
  EXPECT_EQ(key_in(7, "due"), "{s0007}:due");
  EXPECT_EQ(key_in(1023, "session", "\1tid"), "{s1023}:session:\1tid");
}

// Where a thing is must never change: whoever breaks this loses every session there is.
TEST(Keys, ShardsStayWhereTheyAre) {
  const encoding::SessionKeyBytes session(store::testing::tenant("t"),
                                          store::testing::session_id(1));
  EXPECT_EQ(shard_of(session.view()), 426U);
  EXPECT_EQ(shard_of(encoding::tenant_prefix(store::testing::tenant("t"))), 881U);
}

TEST(Keys, AllKeysOfAShardAreInItsSlot) {
  std::set<uint16_t> slots;
  for (size_t shard = 0; shard < kShards; ++shard) {
    EXPECT_EQ(slot_of(key_in(shard, "session", "}{x")), slot_of_shard(shard));
    slots.insert(slot_of_shard(shard));
  }
  EXPECT_GT(slots.size(), 900U);  // spread over the nodes
}

}  // namespace
}  // namespace sojourn::redis
