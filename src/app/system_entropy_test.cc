#include "system_entropy.h"

#include <gtest/gtest.h>

#include <array>
#include <bitset>
#include <set>

namespace sojourn::app {
namespace {

TEST(SystemEntropy, FillsEveryByteAndNeverRepeats) {
  SystemEntropy entropy;
  std::set<std::array<std::byte, 16>> seen;
  std::array<size_t, 16> ones{};
  for (int i = 0; i < 1000; ++i) {
    std::array<std::byte, 16> bytes{};
    entropy.fill(bytes);
    seen.insert(bytes);
    for (size_t b = 0; b < bytes.size(); ++b) {
      ones[b] += std::bitset<8>(static_cast<unsigned>(bytes[b])).count();
    }
  }
  EXPECT_EQ(seen.size(), 1000u);
  // 8,000 fair bits per position: 4,000 ones, give or take ten standard deviations.
  for (const size_t count : ones) EXPECT_NEAR(static_cast<double>(count), 4000, 450);
}

}  // namespace
}  // namespace sojourn::app
