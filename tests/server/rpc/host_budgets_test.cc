// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/host_budgets.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

class HostBudgetsTest : public testing::Test {
 protected:
  absl::Duration now_ = absl::Hours(1);
  HostBudgets budgets_{10, 2, Clock(absl::Now, [this] { return now_; })};
};

TEST_F(HostBudgetsTest, EachHostHasABudget) {
  EXPECT_EQ(budgets_.Left("a"), 10);
  EXPECT_TRUE(budgets_.Take("a", 7));
  EXPECT_EQ(budgets_.Left("a"), 3);
  EXPECT_FALSE(budgets_.Take("a", 4));
  EXPECT_EQ(budgets_.Left("a"), 3) << "nothing was taken";
  EXPECT_TRUE(budgets_.Take("a", 3));
  EXPECT_EQ(budgets_.Left("b"), 10);
}

TEST_F(HostBudgetsTest, TimeRefillsIt) {
  EXPECT_TRUE(budgets_.Take("a", 10));
  now_ += absl::Seconds(3);
  EXPECT_EQ(budgets_.Left("a"), 6);
  now_ += absl::Seconds(3);
  EXPECT_EQ(budgets_.Left("a"), 10) << "not above its capacity";
}

TEST_F(HostBudgetsTest, ChargedHostsAreInDebt) {
  budgets_.Charge("a", 16);
  EXPECT_EQ(budgets_.Left("a"), -6);
  EXPECT_FALSE(budgets_.Take("a", 1));
  EXPECT_EQ(budgets_.Left("b"), 10);
  now_ += absl::Seconds(4);
  EXPECT_TRUE(budgets_.Take("a", 2));
  budgets_.Charge("a", 1'000);
  EXPECT_EQ(budgets_.Left("a"), -10 * HostBudgets::kMaxDebt);
}

TEST_F(HostBudgetsTest, ForgetsHostsWhoseBudgetIsFull) {
  EXPECT_TRUE(budgets_.Take("a", 4));
  EXPECT_TRUE(budgets_.Take("b", 2));
  EXPECT_EQ(budgets_.size(), 2u);
  now_ += absl::Seconds(1);
  EXPECT_EQ(budgets_.size(), 1u);
  EXPECT_EQ(budgets_.Left("a"), 8);
  now_ += absl::Seconds(1);
  EXPECT_EQ(budgets_.Left("a"), 10);
  EXPECT_EQ(budgets_.size(), 0u);
}

TEST_F(HostBudgetsTest, TooManyHostsShareABudget) {
  for (size_t i = 0; i < HostBudgets::kMaxHosts; ++i) EXPECT_TRUE(budgets_.Take(absl::StrCat("host ", i), 1));
  EXPECT_TRUE(budgets_.Take("a", 6));
  EXPECT_FALSE(budgets_.Take("b", 6));
  EXPECT_EQ(budgets_.Left("c"), 4);
  EXPECT_EQ(budgets_.Left("host 0"), 9);
  EXPECT_LE(budgets_.size(), HostBudgets::kMaxHosts + 1);
  now_ += absl::Seconds(1);
  EXPECT_TRUE(budgets_.Take("b", 6)) << "there is room for it again";
  EXPECT_EQ(budgets_.Left("c"), 10);
}

}  // namespace
}  // namespace qconfig
