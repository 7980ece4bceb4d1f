#include "base/text.h"

#include <gtest/gtest.h>

namespace sojourn {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string rfc3339(int64_t ms) {
  std::string out;
  append_rfc3339(out, Time(Duration(ms)));
  return out;
}

TEST(Text, Utf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain"));
  EXPECT_TRUE(is_utf8("Zo\xC3\xAB \xE2\x82\xAC \xF0\x9F\x98\x80"));
  EXPECT_FALSE(is_utf8("\xC0\xAF"));          // overlong '/'
  EXPECT_FALSE(is_utf8("\xE0\x80\xAF"));      // overlong
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\xE2\x82"));          // cut short
  EXPECT_FALSE(is_utf8("\x80"));
  EXPECT_FALSE(is_utf8("\xFF"));
}

TEST(Text, ControlCharacters) {
  EXPECT_FALSE(has_control_characters("Zo\xC3\xAB \xC2\xA0"));
  EXPECT_TRUE(has_control_characters(std::string_view("a\0b", 3)));
  EXPECT_TRUE(has_control_characters("a\nb"));
  EXPECT_TRUE(has_control_characters("a\x7F"));
  EXPECT_TRUE(has_control_characters("a\xC2\x85"));
}

TEST(Text, CaseAndTrim) {
  EXPECT_TRUE(equals_ignoring_case("GKC_customerId", "gkc_CustomerID"));
  EXPECT_FALSE(equals_ignoring_case("gkc_customerId", "gkc-customerId"));
  EXPECT_EQ(trimmed(" \t a b\t "), "a b");
  EXPECT_EQ(trimmed(" \t "), "");
}

TEST(Text, PercentDecoding) {
  EXPECT_EQ(percent_decoded("a%20b%C3%ab+c"), "a b\xC3\xAB+c");
  EXPECT_EQ(percent_decoded(""), "");
  EXPECT_EQ(percent_decoded("%"), std::nullopt);
  EXPECT_EQ(percent_decoded("%4"), std::nullopt);
  EXPECT_EQ(percent_decoded("%4g"), std::nullopt);
  EXPECT_EQ(percent_decoded("%00"), std::string(1, '\0'));
}

TEST(Text, FormDecoding) {
  EXPECT_EQ(form_decoded("a+b%2Bc%20d"), "a b+c d");
  EXPECT_EQ(form_decoded("%zz"), std::nullopt);
}

TEST(Text, PercentEncoding) {
  const std::string all = "aZ09-._~ /?&=%+\xC3\xAB\n";
  std::string encoded;
  append_percent_encoded(encoded, all);
  EXPECT_EQ(encoded, "aZ09-._~%20%2F%3F%26%3D%25%2B%C3%AB%0A");
  EXPECT_EQ(percent_decoded(encoded), all);
}

TEST(Text, Rfc3339) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(1'795'426'200'125), "2026-11-23T09:30:00.125Z");
  EXPECT_EQ(rfc3339(951'782'399'999), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(rfc3339(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(rfc3339(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
}

TEST(Text, JsonStrings) {
  EXPECT_EQ(json(""), R"("")");
  EXPECT_EQ(json("Zo\xC3\xAB"), "\"Zo\xC3\xAB\"");
  EXPECT_EQ(json("a\"b\\c\nd\re\tf"), R"("a\"b\\c\nd\re\tf")");
  EXPECT_EQ(json(std::string_view("\0\x1F", 2)), R"("\u0000\u001f")");
}

}  // namespace
}  // namespace sojourn
