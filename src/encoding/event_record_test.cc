#include "encoding/event_record.h"

#include <gtest/gtest.h>

#include "encoding/bytes.h"
#include "testing/sessions.h"

namespace sojourn::encoding {
namespace {

using domain::Event;
using store::testing::extreme_sessions;
using store::testing::idempotency_entry;
using store::testing::plain_session;
using store::testing::session_id;
using store::testing::tenant;

Event event_of(const domain::Session& session) {
  return {.type = domain::EventType::identified,
          .cause = domain::Cause::automatic,
          .time = session.expires_at,
          .tenant = session.tenant,
          .session = session.id,
          .version = session.version,
          .from = {session.identity, "{}"},
          .to = {{.customer_id = "c"}, session.attributes}};
}

std::string sealed(std::string_view key, const Event& event) {
  const std::string body = encoded_event(event);
  std::string value(body.size() + kSealBytes, '\0');
  seal_event(key, body, value.data());
  return value;
}

TEST(EventRecord, ReadsBackWhatWasWritten) {
  for (const auto& session : extreme_sessions(tenant("t"))) {
    const Event event = event_of(session);
    const std::string value = sealed("key", event);
    const auto body = open_event("key", value);
    ASSERT_TRUE(body.has_value());
    EXPECT_EQ(decoded_event(*body, event.tenant), event);
    EXPECT_EQ(time_of_event(*body), event.time);
  }
}

// A log keeps what older servers wrote.
TEST(EventRecord, EveryCauseIsReadBack) {
  Event event = event_of(plain_session(tenant("t"), 1));
  for (uint8_t cause = 1; cause <= 7; ++cause) {
    event.cause = static_cast<domain::Cause>(cause);
    const std::string body = encoded_event(event);
    EXPECT_EQ(body[1], cause);
    EXPECT_EQ(decoded_event(body, event.tenant), event);
  }
}

// The format document, byte by byte.
TEST(EventRecord, HasTheDocumentedBytes) {
  const Event event{.type = domain::EventType::expired,
                    .cause = domain::Cause::ended,
                    .time = time_of(0x0102030405060708),
                    .tenant = tenant("t"),
                    .session = session_id(9),
                    .version = 3,
                    .from = {{.agent_id = "a"}, "{}"},
                    .to = {{.global_visit_id = "gg"}, ""}};
  std::string id;
  const auto bytes = session_id(9).bytes();
  for (const uint8_t byte : bytes) id.push_back(static_cast<char>(byte));
  const std::string expected = std::string("\x01\x04\x04", 3) + "\x01\x02\x03\x04\x05\x06\x07\x08" +
                               id + std::string("\0\0\0\0\0\0\0\3", 8) +
                               std::string("\0\1a\0\0\0\0\0\0\0\0\0\2{}", 15) +
                               std::string("\0\0\0\0\0\0\0\2gg\0\0\0\0", 14);
  const std::string value = sealed("key", event);
  ASSERT_EQ(value.size(), expected.size() + 8);
  EXPECT_EQ(value.substr(0, expected.size()), expected);
}

TEST(EventRecord, EveryFlippedBitAndEveryCutIsFound) {
  std::string value = sealed("key", event_of(plain_session(tenant("t"), 1)));
  for (size_t bit = 0; bit < value.size() * 8; ++bit) {
    value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(open_event("key", value).has_value()) << "bit " << bit;
    value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << (bit % 8)));
  }
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(open_event("key", value.substr(0, size)).has_value());
  }
  EXPECT_FALSE(open_event("kez", value).has_value());
  EXPECT_TRUE(open_event("key", value).has_value());
}

TEST(EventRecord, ABodyMustBeOfKnownNumbersAndUsedToItsLastByte) {
  const Event event = event_of(plain_session(tenant("t"), 1));
  const std::string body = encoded_event(event);
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(decoded_event(body.substr(0, size), event.tenant).has_value());
  }
  EXPECT_FALSE(decoded_event(body + 'x', event.tenant).has_value());
  for (const auto& [place, number] : {std::pair{0, 0}, {0, 6}, {1, 0}, {1, 8}}) {
    std::string other = body;
    other[static_cast<size_t>(place)] = static_cast<char>(number);
    EXPECT_FALSE(decoded_event(other, event.tenant).has_value());
  }
  Event large = event;
  large.from.identity.agent_id.assign(257, 'a');
  EXPECT_FALSE(decoded_event(encoded_event(large), event.tenant).has_value());
}

TEST(IdempotencyRecord, ReadsBackWhatWasWrittenAndFindsDamage) {
  const auto entry = idempotency_entry(7, time_of(0x0102030405060708));
  std::string value = encoded_entry("key", entry);
  ASSERT_EQ(value.size(), 55u);
  EXPECT_EQ(value[0], 1);
  EXPECT_EQ(static_cast<uint8_t>(value[1]), 0xF0);
  EXPECT_EQ(value.substr(39, 8), "\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_EQ(decoded_entry("key", value), entry);
  EXPECT_FALSE(decoded_entry("kez", value).has_value());
  for (size_t bit = 0; bit < value.size() * 8; ++bit) {
    value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decoded_entry("key", value).has_value()) << "bit " << bit;
    value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << (bit % 8)));
  }
}

}  // namespace
}  // namespace sojourn::encoding
