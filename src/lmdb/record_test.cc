#include "record.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include "encoding/bytes.h"
#include "encoding/session_body.h"
#include "tables.h"
#include "testing/sessions.h"

namespace sojourn::lmdb {
namespace {

using store::testing::extreme_sessions;
using store::testing::one_member_changed;
using store::testing::plain_session;
using store::testing::tenant;

const Time kFiled{Duration(1'234'567'890'123)};

std::string sealed(std::string_view key, const domain::Session& session) {
  const std::string body = encoding::encoded_body(session);
  std::string record(body.size() + kRecordOverhead, '\0');
  seal_record(key, kFiled, body, record.data());
  return record;
}

std::string key_of(const domain::Session& session) {
  return std::string(encoding::SessionKeyBytes(session.tenant, session.id).view());
}

TEST(Record, ReadsBackWhatWasWritten) {
  for (const auto& session : extreme_sessions(tenant("t"))) {
    const std::string record = sealed(key_of(session), session);
    const auto opened = open_record(key_of(session), record);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->filed, kFiled);
    EXPECT_EQ(encoding::decoded_body(opened->body, session.tenant, session.id), session);
  }
}

// The format document, byte by byte: whoever breaks this breaks every store there is.
TEST(Record, HasTheDocumentedBytes) {
  const domain::Session session{.id = store::testing::session_id(1),
                                .tenant = tenant("t"),
                                .identity = {.agent_id = "a", .customer_id = "bc"},
                                .created_at = encoding::time_of(0x0102030405060708),
                                .last_accessed_at = encoding::time_of(0x1112131415161718),
                                .expires_at = encoding::time_of(static_cast<uint64_t>(-2)),
                                .version = 3,
                                .attributes = "{}"};
  const std::string record = sealed("key", session);
  const std::string expected(
      "\x01"
      "\x00\x00\x01\x1F\x71\xFB\x04\xCB"
      "\x01\x02\x03\x04\x05\x06\x07\x08"
      "\x11\x12\x13\x14\x15\x16\x17\x18"
      "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"
      "\x00\x00\x00\x00\x00\x00\x00\x03"
      "\x00\x01"
      "a"
      "\x00\x02"
      "bc"
      "\x00\x00"
      "\x00\x00"
      "\x00\x00\x00\x02"
      "{}",
      41 + 3 + 4 + 2 + 2 + 6);
  ASSERT_EQ(record.size(), expected.size() + 8);
  EXPECT_EQ(record.substr(0, expected.size()), expected);
  EXPECT_EQ(encoding::number_at<uint64_t>(record.data() + expected.size()),
            XXH3_64bits_withSeed(expected.data(), expected.size(), XXH3_64bits("key", 3)));
}

TEST(Record, DifferentSessionsHaveDifferentBodies) {
  const auto session = plain_session(tenant("t"), 1);
  EXPECT_EQ(encoding::encoded_body(session), encoding::encoded_body(session));
  for (const auto& other : one_member_changed(session)) {
    EXPECT_NE(encoding::encoded_body(session), encoding::encoded_body(other));
  }
}

TEST(Record, EveryFlippedBitIsFound) {
  const auto session = plain_session(tenant("t"), 1);
  const std::string key = key_of(session);
  std::string record = sealed(key, session);
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(open_record(key, record).has_value()) << "bit " << bit;
    record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << (bit % 8)));
  }
  EXPECT_TRUE(open_record(key, record).has_value());
}

TEST(Record, ARecordThatWasCutOrExtendedIsFound) {
  const auto session = plain_session(tenant("t"), 1);
  const std::string record = sealed(key_of(session), session);
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_EQ(open_record(key_of(session), record.substr(0, size)).error(),
              encoding::RecordFault::damaged);
  }
  EXPECT_FALSE(open_record(key_of(session), record + '\0').has_value());
}

TEST(Record, ARecordUnderAnotherKeyIsFound) {
  const auto session = plain_session(tenant("t"), 1);
  const std::string record = sealed(key_of(session), session);
  EXPECT_FALSE(open_record(key_of(plain_session(tenant("u"), 1)), record).has_value());
  EXPECT_FALSE(open_record(key_of(plain_session(tenant("t"), 2)), record).has_value());
}

TEST(Record, ANewerVersionIsNotGuessedAt) {
  std::string record = sealed("key", plain_session(tenant("t"), 1));
  record[0] = 2;
  const size_t covered = record.size() - 8;
  encoding::put_number(record.data() + covered,
                       XXH3_64bits_withSeed(record.data(), covered, XXH3_64bits("key", 3)));
  EXPECT_EQ(open_record("key", record).error(), encoding::RecordFault::newer);
}

TEST(Record, ABodyMustBeUsedToItsLastByte) {
  const auto session = plain_session(tenant("t"), 1);
  const std::string body = encoding::encoded_body(session);
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(
        encoding::decoded_body(body.substr(0, size), session.tenant, session.id).has_value());
  }
  EXPECT_FALSE(encoding::decoded_body(body + 'x', session.tenant, session.id).has_value());
}

TEST(Record, AValueBeyondItsLimitIsDamage) {
  auto session = plain_session(tenant("t"), 1);
  session.identity.visit_id.assign(257, 'v');
  EXPECT_FALSE(encoding::decoded_body(encoding::encoded_body(session), session.tenant, session.id)
                   .has_value());
}

}  // namespace
}  // namespace sojourn::lmdb
