#include "nearest.h"

#include <gtest/gtest.h>

namespace sojourn::config {
namespace {

TEST(Nearest, DistanceCountsLetters) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("abc", "abc"), 0U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("ab", "ba"), 2U);
}

TEST(Nearest, IsTheFirstOfTheClosest) {
  EXPECT_EQ(nearest("timout", {"title", "timeout", "timeouts"}, 2), "timeout");
  EXPECT_EQ(nearest("b", {"aa", "ab", "bb"}, 2), "ab");
  EXPECT_EQ(nearest("exact", {"exacts", "exact"}, 0), "exact");
}

TEST(Nearest, IsNoneWhenAllAreTooFar) {
  EXPECT_EQ(nearest("abcd", {"wxyz"}, 3), "");
  EXPECT_EQ(nearest("a", {}, 9), "");
  EXPECT_EQ(nearest(std::string(201, 'a'), {std::string_view("a")}, 1000), "");
}

}  // namespace
}  // namespace sojourn::config
