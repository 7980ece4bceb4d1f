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

}  // namespace
}  // namespace sojourn::config
