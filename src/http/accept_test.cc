#include "http/accept.h"

#include <gtest/gtest.h>

#include <vector>

namespace sojourn::http {
namespace {

constexpr std::string_view kStream = "text/event-stream";

Preference of(std::vector<Field> fields) { return preference_for(fields, kStream); }
int weight_in(std::string_view accept) { return of({{"Accept", accept}}).weight; }

TEST(Accept, WithoutTheFieldEveryTypeIsWelcome) {
  EXPECT_EQ(of({{"Accepts", "text/html"}}).weight, 1000);
  EXPECT_FALSE(of({}).by_name);
}

TEST(Accept, TheMostSpecificRangeCounts) {
  EXPECT_EQ(weight_in("text/event-stream"), 1000);
  EXPECT_EQ(weight_in("TEXT/Event-Stream ; charset=utf-8;q=0.5"), 500);
  EXPECT_EQ(weight_in("text/*;q=0.25, */*"), 250);
  EXPECT_EQ(weight_in("*/*;q=0.1"), 100);
  EXPECT_EQ(weight_in("*/*, text/event-stream;q=0"), 0);
  EXPECT_EQ(weight_in("text/event-stream;q=0, */*"), 0);
  EXPECT_EQ(weight_in("application/json"), 0);
  EXPECT_EQ(weight_in("application/*, text/event-streams, text/event"), 0);
  EXPECT_EQ(weight_in(""), 0);
}

TEST(Accept, SeveralFieldsAreOneList) {
  const Preference found = of({{"accept", "application/json"}, {"Accept", "text/event-stream"}});
  EXPECT_EQ(found.weight, 1000);
  EXPECT_TRUE(found.by_name);
  EXPECT_FALSE(of({{"Accept", "text/*"}}).by_name);
}

TEST(Accept, WeightsAsInRfc9110) {
  EXPECT_EQ(weight_in("text/event-stream;Q=1.000"), 1000);
  EXPECT_EQ(weight_in("text/event-stream;q=0.001"), 1);
  EXPECT_EQ(weight_in("text/event-stream;q=0."), 0);
  EXPECT_EQ(weight_in("text/event-stream;q=0.9, text/event-stream;q=0.2"), 900);
  for (const auto* bad : {"q=", "q=2", "q=1.001", "q=.5", "q=0.1234", "q=-1", "q=high", "q=0,5"}) {
    const std::string range = std::string("text/event-stream;") + bad;
    EXPECT_EQ(weight_in(range), 0) << bad;
  }
  EXPECT_EQ(weight_in(R"(x/y;a=",text/event-stream")"), 0);
}

}  // namespace
}  // namespace sojourn::http
