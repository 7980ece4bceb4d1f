#include "config/units.h"

#include <gtest/gtest.h>

namespace sojourn::config {
namespace {

using namespace std::chrono_literals;

TEST(Units, Durations) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("2s"), 2s);
  EXPECT_EQ(parse_duration("30m"), 30min);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("14d"), 336h);
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("3650d"), 87'600h);
  for (const auto* bad : {"", "s", "5", "-1s", "1.5s", "1 s", "1w", "3651d",
                          "18446744073709551615d", "99999999999999999999s", "2sx", "+2s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
  EXPECT_EQ(
      parse_duration("5").error(),
      "\"5\" is not a whole number with a unit; write it as 250ms, 2s, 30m, 24h or 14d, up to "
      "3650d");
}

TEST(Units, Sizes) {
  EXPECT_EQ(parse_size("512B"), 512u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("64GiB"), uint64_t{64} << 30);
  for (const auto* bad : {"", "64", "64KB", "64 KiB", "-1B", "2048TiB", "1.5GiB"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

TEST(Units, ShownAgain) {
  using namespace std::chrono_literals;
  for (const char* text : {"250ms", "2s", "90s", "30m", "5h", "14d"}) {
    EXPECT_EQ(shown_duration(*parse_duration(text)), text);
  }
  EXPECT_EQ(shown_duration(24h), "1d");
  EXPECT_EQ(shown_duration(0ms), "0ms");
  for (const char* text : {"0B", "512B", "1025B", "64KiB", "3MiB", "64GiB", "5TiB"}) {
    EXPECT_EQ(shown_size(*parse_size(text)), text);
  }
  EXPECT_EQ(toml_string("a\"b\\\n\x7F"), R"("a\"b\\\n\u007F")");
}

TEST(Units, PasswordsAreNotShown) {
  EXPECT_EQ(without_password("redis://u:secret@h:1,h:2/0"), "redis://u:***@h:1,h:2/0");
  EXPECT_EQ(without_password("redis://:se:c/r@et@h:1"), "redis://:***@h:1");
  EXPECT_EQ(without_password("u:secret@h"), "u:***@h");
  for (const char* none : {"redis://h:1,h:2/0", "redis://u@h:1", "", "h"}) {
    EXPECT_EQ(without_password(none), none);
  }
}

}  // namespace
}  // namespace sojourn::config
