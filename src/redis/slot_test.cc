// The slot of a key: check values of the CRC, the examples of the Redis Cluster specification, and
// slots that redis-server 7.0 itself answered to CLUSTER KEYSLOT.
#include "redis/slot.h"

#include <gtest/gtest.h>

namespace sojourn::redis {
namespace {

struct Case {
  std::string_view key;
  uint16_t slot;
};

TEST(Slot, IsTheOneOfTheSpecification) {
  const Case cases[] = {
      {"123456789", 0x31C3},  // the check value of CRC-16/XMODEM
      {"", 0},
      {"foo", 12182},
      {"bar", 5061},
      {"{user1000}.following", 3443},
      {"{user1000}.followers", 3443},
      {"user1000", 3443},
  };
  for (const auto& [key, slot] : cases) EXPECT_EQ(slot_of(key), slot) << key;
}

TEST(Slot, OnlyAWholeTagWithSomethingInsideCounts) {
  EXPECT_EQ(slot_of("{a}b"), slot_of("a"));
  EXPECT_EQ(slot_of("x{a}b{c}"), slot_of("a"));
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar"));
  EXPECT_NE(slot_of("{}b"), slot_of("b"));
  EXPECT_NE(slot_of("{ab"), slot_of("ab"));
  EXPECT_NE(slot_of("}a{b"), slot_of("b"));
}

TEST(Slot, AnyBytesAreAKey) {
  EXPECT_EQ(slot_of(std::string_view("\0", 1)), 0);
  EXPECT_EQ(slot_of("\xff"), 0x1EF0 % kSlots);
}

}  // namespace
}  // namespace sojourn::redis
