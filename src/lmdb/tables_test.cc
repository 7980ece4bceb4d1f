#include "tables.h"

#include <gtest/gtest.h>

#include <limits>

#include "bytes.h"
#include "testing/sessions.h"

namespace sojourn::lmdb {
namespace {

using store::testing::session_id;
using store::testing::tenant;

constexpr size_t kMaxLmdbKey = 511;

std::string session_key(const domain::TenantId& t, uint64_t number) {
  return std::string(SessionKeyBytes(t, session_id(number)).view());
}

TEST(Tables, KeysHaveTheDocumentedBytes) {
  const std::string id = session_key(tenant("ab"), 7).substr(3);
  EXPECT_EQ(id.substr(0, 8), std::string("\0\0\0\0\0\0\0\7", 8));
  EXPECT_EQ(session_key(tenant("ab"), 7), "\2ab" + id);
  EXPECT_EQ(index_key(tenant("ab"), Attribute::customer_id, "xyz", session_id(7)),
            "\2ab" + std::string("\2\0\3", 3) + "xyz" + id);
  EXPECT_EQ(expiry_key(Time(Duration(1)), "k"), std::string("\x80\0\0\0\0\0\0\1", 8) + "k");
  EXPECT_EQ(counts_key(tenant("ab")), "\2ab");
  EXPECT_EQ(encoded(Counts{.named = 1, .anonymous = 2}),
            std::string("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 16));
}

TEST(Tables, TheLargestKeysFit) {
  const auto t = tenant(std::string(128, 't'));
  EXPECT_EQ(session_key(t, 1).size(), 151u);
  EXPECT_EQ(index_key(t, Attribute::agent_id, std::string(256, 'v'), session_id(1)).size(), 410u);
  EXPECT_EQ(expiry_key(Time(), session_key(t, 1)).size(), 159u);
  EXPECT_LE(410u, kMaxLmdbKey);
}

TEST(Tables, ExpiryKeysSortByTime) {
  const int64_t times[] = {std::numeric_limits<int64_t>::min(), -1, 0, 1, 1'800'000'000'000,
                           std::numeric_limits<int64_t>::max()};
  for (size_t i = 1; i < std::size(times); ++i) {
    EXPECT_LT(expiry_key(Time(Duration(times[i - 1])), "z"),
              expiry_key(Time(Duration(times[i])), "a"));
  }
}

TEST(Tables, KeysAreReadBack) {
  const auto t = tenant("ab");
  const auto session = parsed_session_key(session_key(t, 7));
  ASSERT_TRUE(session);
  EXPECT_EQ(session->tenant, t);
  EXPECT_EQ(session->id, session_id(7));

  const std::string key = index_key(t, Attribute::agent_id, "v", session_id(7));
  const auto index = parsed_index_key(key);
  ASSERT_TRUE(index);
  EXPECT_EQ(index->session.tenant, t);
  EXPECT_EQ(index->session.id, session_id(7));
  EXPECT_EQ(index->attribute, Attribute::agent_id);
  EXPECT_EQ(index->value, "v");

  const std::string due = expiry_key(Time(Duration(-5)), "rest");
  EXPECT_EQ(parsed_expiry_key(due)->filed, Time(Duration(-5)));
  EXPECT_EQ(parsed_expiry_key(due)->session_key, "rest");
  EXPECT_EQ(decoded_counts(encoded(Counts{3, 4})), (Counts{3, 4}));
}

TEST(Tables, WhatIsNoKeyIsNotRead) {
  const std::string whole = index_key(tenant("ab"), Attribute::agent_id, "v", session_id(7));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parsed_index_key(whole.substr(0, size)));
  }
  EXPECT_FALSE(parsed_index_key(whole + 'x'));
  EXPECT_FALSE(parsed_session_key(session_key(tenant("ab"), 7) + 'x'));
  EXPECT_FALSE(parsed_session_key(session_key(tenant("ab"), 7).substr(1)));
  EXPECT_FALSE(parsed_expiry_key("1234567"));
  EXPECT_FALSE(decoded_counts("123"));
}

}  // namespace
}  // namespace sojourn::lmdb
