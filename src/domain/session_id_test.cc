#include "domain/session_id.h"

#include <gtest/gtest.h>

#include <set>

#include "base/seeded_entropy.h"
#include "base/text.h"

namespace sojourn::domain {
namespace {

class SameByte final : public Entropy {
 public:
  explicit SameByte(uint8_t byte) : byte_(byte) {}
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = std::byte{byte_};
  }

 private:
  uint8_t byte_;
};

Time at(int64_t ms) { return Time(Duration(ms)); }

TEST(SessionId, TextIsThe176BitsAsOneNumber) {
  SameByte zeros(0), ones(0xFF);
  EXPECT_EQ(SessionId::make(at(0), zeros).text(), std::string(36, '0'));
  EXPECT_EQ(SessionId::make(at((int64_t{1} << 48) - 1), ones).text(), "1" + std::string(35, 'Z'));
  EXPECT_EQ(SessionId::make(at(0), ones).text(), "00000000007" + std::string(25, 'Z'));
  EXPECT_EQ(SessionId::make(at(4), zeros).text(), "0000000001" + std::string(26, '0'));
}

TEST(SessionId, MaskedPartHoldsNothingButTime) {
  SameByte zeros(0), ones(0xFF);
  const Time now =
      at(1'795'426'200'124);  // the last two of the 48 bits stand in the 11th character
  EXPECT_EQ(SessionId::make(now, zeros).masked(), SessionId::make(now, ones).masked());
  EXPECT_EQ(SessionId::make(now, zeros).masked().size(), 10u);
}

TEST(SessionId, ParsesWhatItWritesInEitherCase) {
  SeededEntropy entropy;
  for (int i = 0; i < 1000; ++i) {
    const auto id = SessionId::make(at(1'795'426'200'125 + i), entropy);
    const std::string text = id.text();
    ASSERT_EQ(text.size(), SessionId::kTextLength);
    EXPECT_EQ(SessionId::parse(text), id);
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(SessionId::parse(lower), id);
    EXPECT_EQ(SessionId::from_bytes(id.bytes()), id);
  }
}

TEST(SessionId, OtherTextIsNoId) {
  EXPECT_EQ(SessionId::parse(""), std::nullopt);
  EXPECT_EQ(SessionId::parse("new"), std::nullopt);
  EXPECT_EQ(SessionId::parse("00000000-0000-0000-0000-0000000000"), std::nullopt);
  EXPECT_EQ(SessionId::parse("00000000-0000-0000-0000-000000000000"), std::nullopt);
  EXPECT_EQ(SessionId::parse(std::string(35, '0')), std::nullopt);
  EXPECT_EQ(SessionId::parse(std::string(37, '0')), std::nullopt);
  EXPECT_EQ(SessionId::parse("2" + std::string(35, '0')), std::nullopt) << "more than 176 bits";
  for (const char c : {'I', 'L', 'O', 'U', 'i', 'u', '-', ' ', '\0', '\xC3'}) {
    EXPECT_EQ(SessionId::parse(std::string(35, '0') + c), std::nullopt) << c;
  }
}

TEST(SessionId, SortsByTime) {
  SeededEntropy entropy;
  auto before = SessionId::make(at(1'000'000'000'000), entropy);
  for (int i = 1; i < 1000; ++i) {
    const auto id = SessionId::make(at(1'000'000'000'000 + i), entropy);
    EXPECT_LT(before, id);
    EXPECT_LT(before.text(), id.text());
    before = id;
  }
}

TEST(SessionId, SameMillisecondGivesDifferentIds) {
  SeededEntropy entropy;
  std::set<SessionId> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(SessionId::make(at(1), entropy));
  EXPECT_EQ(ids.size(), 10'000u);
}

}  // namespace
}  // namespace sojourn::domain
