#include "intent.h"

#include <gtest/gtest.h>

#include "encoding/keys.h"
#include "testing/sessions.h"

namespace sojourn::redis {
namespace {

Intent some_intent() {
  const encoding::SessionKeyBytes session(store::testing::tenant("t"),
                                          store::testing::session_id(1));
  return {.number = "0123456789abcdef",
          .session = std::string(session.view()),
          .arguments = {"", std::string("a\0b", 3), std::string(70'000, 'x')},
          .entry_after = "entry"};
}

TEST(Intent, ReadsBackWhatWasWritten) {
  const Intent intent = some_intent();
  EXPECT_EQ(decoded_intent("key", encoded("key", intent)), intent);
}

// The format document, byte by byte.
TEST(Intent, HasTheDocumentedBytes) {
  Intent intent = some_intent();
  intent.arguments = {"ab", ""};
  const std::string bytes = encoded("key", intent);
  const std::string expected = "0123456789abcdef\x01" + std::string("\0\x18", 2) + intent.session +
                               "\x02" + std::string("\0\0\0\2ab\0\0\0\0", 10) +
                               std::string("\0\5entry", 7);
  ASSERT_EQ(bytes.size(), expected.size() + 8);
  EXPECT_EQ(bytes.substr(0, expected.size()), expected);
}

TEST(Intent, EveryFlippedBitAndEveryCutIsFound) {
  Intent intent = some_intent();
  intent.arguments.pop_back();
  std::string bytes = encoded("key", intent);
  for (size_t bit = kCommitNumberBytes * 8; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decoded_intent("key", bytes).has_value()) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decoded_intent("key", bytes.substr(0, size)).has_value());
  }
  EXPECT_FALSE(decoded_intent("kez", bytes).has_value());
}

}  // namespace
}  // namespace sojourn::redis
