#include "tables.h"

#include <gtest/gtest.h>

#include <limits>

#include "encoding/bytes.h"
#include "testing/sessions.h"

namespace sojourn::lmdb {
namespace {

using store::testing::session_id;
using store::testing::tenant;

constexpr size_t kMaxLmdbKey = 511;

std::string session_key(const domain::TenantId& t, uint64_t number) {
  return std::string(encoding::SessionKeyBytes(t, session_id(number)).view());
}

TEST(Tables, KeysHaveTheDocumentedBytes) {
  const std::string id = session_key(tenant("ab"), 7).substr(3);
  EXPECT_EQ(id.substr(0, 8), std::string("\0\0\0\0\0\0\0\7", 8));
  EXPECT_EQ(session_key(tenant("ab"), 7), "\2ab" + id);
  EXPECT_EQ(encoding::index_key(tenant("ab"), domain::IdentityAttribute::customer_id, "xyz",
                                session_id(7)),
            "\2ab" + std::string("\2\0\3", 3) + "xyz" + id);
  EXPECT_EQ(expiry_key(Time(Duration(1)), FiledKind::session, "k"),
            std::string("\x80\0\0\0\0\0\0\1\1", 9) + "k");
  EXPECT_EQ(expiry_key(Time(Duration(1)), FiledKind::idempotency, "k")[8], '\2');
  EXPECT_EQ(encoding::tenant_prefix(tenant("ab")), "\2ab");
  EXPECT_EQ(event_key(encoding::tenant_prefix(tenant("ab")), 258),
            "\2ab" + std::string("\0\0\0\0\0\0\1\2", 8));
  EXPECT_EQ(encoding::idempotency_key(tenant("ab"), "key"), "\2abkey");
  EXPECT_EQ(index_state_name(domain::IdentityAttribute::visit_id), "index.3");
  EXPECT_EQ(encoded(domain::Counts{.named = 1, .anonymous = 2}),
            std::string("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 16));
}

TEST(Tables, TheLargestKeysFit) {
  const auto t = tenant(std::string(128, 't'));
  EXPECT_EQ(session_key(t, 1).size(), 151u);
  EXPECT_EQ(encoding::index_key(t, domain::IdentityAttribute::agent_id, std::string(256, 'v'),
                                session_id(1))
                .size(),
            410u);
  const std::string largest_key = encoding::idempotency_key(t, std::string(193, 'k'));
  EXPECT_EQ(largest_key.size(), 322u);
  EXPECT_EQ(expiry_key(Time(), FiledKind::idempotency, largest_key).size(), 331u);
  EXPECT_EQ(event_key(encoding::tenant_prefix(t), 1).size(), 137u);
  EXPECT_LE(410u, kMaxLmdbKey);
}

TEST(Tables, ExpiryKeysSortByTime) {
  const int64_t times[] = {std::numeric_limits<int64_t>::min(), -1, 0, 1, 1'800'000'000'000,
                           std::numeric_limits<int64_t>::max()};
  for (size_t i = 1; i < std::size(times); ++i) {
    EXPECT_LT(expiry_key(Time(Duration(times[i - 1])), FiledKind::idempotency, "z"),
              expiry_key(Time(Duration(times[i])), FiledKind::session, "a"));
  }
}

TEST(Tables, KeysAreReadBack) {
  const auto t = tenant("ab");
  const auto session = encoding::parsed_session_key(session_key(t, 7));
  ASSERT_TRUE(session);
  EXPECT_EQ(session->tenant, t);
  EXPECT_EQ(session->id, session_id(7));

  const std::string key =
      encoding::index_key(t, domain::IdentityAttribute::agent_id, "v", session_id(7));
  const auto index = encoding::parsed_index_key(key);
  ASSERT_TRUE(index);
  EXPECT_EQ(index->session.tenant, t);
  EXPECT_EQ(index->session.id, session_id(7));
  EXPECT_EQ(index->attribute, domain::IdentityAttribute::agent_id);
  EXPECT_EQ(index->value, "v");

  const std::string due = expiry_key(Time(Duration(-5)), FiledKind::session, "rest");
  EXPECT_EQ(parsed_expiry_key(due)->filed, Time(Duration(-5)));
  EXPECT_EQ(parsed_expiry_key(due)->kind, FiledKind::session);
  EXPECT_EQ(parsed_expiry_key(due)->filed_key, "rest");
  EXPECT_EQ(decoded_counts(encoded(domain::Counts{3, 4})), (domain::Counts{3, 4}));

  const std::string event_bytes = event_key(encoding::tenant_prefix(t), 258);
  EXPECT_EQ(parsed_event_key(event_bytes)->tenant, t);
  EXPECT_EQ(parsed_event_key(event_bytes)->number, 258u);
  const std::string key_bytes = encoding::idempotency_key(t, "key");
  EXPECT_EQ(encoding::parsed_idempotency_key(key_bytes)->tenant, t);
  EXPECT_EQ(encoding::parsed_idempotency_key(key_bytes)->key, "key");
}

TEST(Tables, WhatIsNoKeyIsNotRead) {
  const std::string whole =
      encoding::index_key(tenant("ab"), domain::IdentityAttribute::agent_id, "v", session_id(7));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(encoding::parsed_index_key(whole.substr(0, size)));
  }
  EXPECT_FALSE(encoding::parsed_index_key(whole + 'x'));
  EXPECT_FALSE(encoding::parsed_session_key(session_key(tenant("ab"), 7) + 'x'));
  EXPECT_FALSE(encoding::parsed_session_key(session_key(tenant("ab"), 7).substr(1)));
  EXPECT_FALSE(parsed_expiry_key("12345678"));
  EXPECT_FALSE(parsed_expiry_key("12345678\3key"));
  EXPECT_FALSE(parsed_event_key("\2ab1234567"));
  EXPECT_FALSE(parsed_event_key("\2ab123456789"));
  EXPECT_FALSE(encoding::parsed_idempotency_key("\2ab"));
  EXPECT_FALSE(encoding::parsed_idempotency_key("\2ab" + std::string(194, 'k')));
  EXPECT_FALSE(decoded_counts("123"));
}

}  // namespace
}  // namespace sojourn::lmdb
