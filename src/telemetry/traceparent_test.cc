#include "telemetry/traceparent.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sojourn::telemetry {
namespace {

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParent = "00f067aa0ba902b7";
const std::string kIds = kTrace + "-" + kParent;

TEST(TraceparentTest, Table) {
  const struct {
    std::string text;
    bool fine;
  } kCases[] = {
      {"00-" + kIds + "-01", true},
      {"00-" + kIds + "-00", true},
      {"00-" + kIds + "-ff", true},  // flags that are not known yet
      {"01-" + kIds + "-01", true},  // a higher version
      {"cc-" + kIds + "-01-what-the-future-brings", true},
      {"01-" + kIds + "-01-", true},
      {"00-" + kIds + "-01-more", false},  // version 00 ends with the flags
      {"00-" + kIds + "-01-", false},
      {"01-" + kIds + "-01x", false},
      {"ff-" + kIds + "-01", false},  // no version
      {"0g-" + kIds + "-01", false},
      {"0A-" + kIds + "-01", false},
      {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kParent + "-01", false},  // upper case
      {"00-" + kTrace + "-00F067AA0BA902B7-01", false},
      {"00-" + std::string(32, '0') + "-" + kParent + "-01", false},
      {"00-" + kTrace + "-" + std::string(16, '0') + "-01", false},
      {"00-" + kIds + "-0x", false},
      {"00-" + kIds + "-1", false},
      {"00-" + kIds, false},
      {"00_" + kIds + "-01", false},
      {"00-" + kTrace + "_" + kParent + "-01", false},
      {"00-" + kIds + "_01", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e47\"6-" + kParent + "-01", false},
      {" 00-" + kIds + "-01", false},
      {"", false},
      {std::string(55, '-'), false},
  };
  for (const auto& [text, fine] : kCases) {
    const auto parsed = parse_traceparent(text);
    ASSERT_EQ(parsed.has_value(), fine) << text;
    if (!fine) continue;
    EXPECT_EQ(parsed->trace_id, kTrace) << text;
    EXPECT_EQ(parsed->parent_id, kParent) << text;
  }
}

TEST(TraceparentTest, OfFields) {
  const std::string value = "00-" + kIds + "-01";
  const http::Field other{"tracestate", "a=b"}, one{"TraceParent", value},
      wrong{"traceparent", "x"};
  using Fields = std::vector<http::Field>;
  EXPECT_FALSE(traceparent_of(Fields{}));
  EXPECT_FALSE(traceparent_of(Fields{other}));
  EXPECT_FALSE(traceparent_of(Fields{wrong}));
  EXPECT_EQ(traceparent_of(Fields{other, one})->trace_id, kTrace);
  EXPECT_FALSE(traceparent_of(Fields{one, one}));
  EXPECT_FALSE(traceparent_of(Fields{one, wrong}));
}

}  // namespace
}  // namespace sojourn::telemetry
