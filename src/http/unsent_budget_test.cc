#include "unsent_budget.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

namespace sojourn::http {
namespace {

TEST(UnsentBudget, GivesWhatThereIsAndNoMore) {
  UnsentBudget budget;
  EXPECT_TRUE(budget.take(60, 100));
  EXPECT_FALSE(budget.take(41, 100));
  EXPECT_EQ(budget.held(), 60U);
  EXPECT_TRUE(budget.take(40, 100));
  budget.give_back(60);
  EXPECT_EQ(budget.held(), 40U);
}

TEST(UnsentBudget, WhatCannotBeRefusedIsCountedBeyondIt) {
  UnsentBudget budget;
  budget.add(500);
  EXPECT_EQ(budget.held(), 500U);
  EXPECT_FALSE(budget.take(1, 100)) << "also after a reload that lowered it";
  EXPECT_FALSE(budget.take(std::numeric_limits<size_t>::max(), 1000));
}

TEST(UnsentBudget, SeveralThreadsNeverTakeMoreThanThereIs) {
  UnsentBudget budget;
  std::atomic<size_t> taken = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) taken += budget.take(3, 1000) ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(taken, 333U);
  EXPECT_EQ(budget.held(), 999U);
}

TEST(UnsentShare, GrowsToTheLargestAndIsGivenBackWhole) {
  UnsentBudget budget;
  UnsentShare share(budget);
  EXPECT_TRUE(share.take(30, 100));
  share.hold(20);
  EXPECT_EQ(budget.held(), 30U);
  share.hold(120);
  EXPECT_EQ(budget.held(), 120U);
  EXPECT_TRUE(share.take(120, 100)) << "it holds them already";
  EXPECT_FALSE(share.take(121, 100));
  share.release();
  share.release();
  EXPECT_EQ(budget.held(), 0U);
}

TEST(UnsentShare, EndsWithItsConnection) {
  UnsentBudget budget;
  {
    UnsentShare(budget).hold(7);
  }
  EXPECT_EQ(budget.held(), 0U);
}

}  // namespace
}  // namespace sojourn::http
