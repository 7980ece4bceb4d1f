#include "trimming_due.h"

#include <gtest/gtest.h>

namespace sojourn::lmdb {
namespace {

Time at(int64_t milliseconds) { return Time(Duration(milliseconds)); }

TEST(TrimmingDue, IsDueUntilALookShowsWhatThereIs) {
  TrimmingDue due;
  EXPECT_TRUE(due.is_due(at(-5)));
  due.looking();
  EXPECT_FALSE(due.is_due(Time::max()));
  due.seen(at(10));
  EXPECT_FALSE(due.is_due(at(10)));
  EXPECT_TRUE(due.is_due(at(11)));
}

TEST(TrimmingDue, KnowsTheEarliestThatWasFiled) {
  TrimmingDue due;
  due.looking();
  due.filed(at(20));  // committed while the tables were looked at
  due.filed(at(30));
  due.seen(at(25));
  EXPECT_FALSE(due.is_due(at(20)));
  EXPECT_TRUE(due.is_due(at(21)));
  due.unknown();
  EXPECT_TRUE(due.is_due(at(-5)));
}

TEST(TrimmingDue, MarksAreLookedAtOnceADay) {
  TrimmingDue due;
  EXPECT_TRUE(due.marks_are_due(at(0)));
  due.marks_seen(at(0));
  EXPECT_FALSE(due.marks_are_due(at(24 * 3'600'000 - 1)));
  EXPECT_TRUE(due.marks_are_due(at(24 * 3'600'000)));
}

}  // namespace
}  // namespace sojourn::lmdb
