// SPDX-License-Identifier: Apache-2.0
#include "server/auth/rejection_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(RejectionLimitTest, AdmitsTenLinesOfEachPeerInASecondAndCountsTheRest) {
  RejectionLimit limit;
  const absl::Duration start = absl::Hours(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(limit.Admit("a", start));
    EXPECT_TRUE(limit.Admit("b", start));
  }
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(limit.Admit("a", start + absl::Milliseconds(900)));
  EXPECT_THAT(limit.TakeLeftOut(start + absl::Milliseconds(999)), IsEmpty());
  EXPECT_THAT(limit.TakeLeftOut(start + absl::Seconds(1)), ElementsAre(Pair("a", 7)));
  EXPECT_TRUE(limit.Admit("a", start + absl::Seconds(1)));
  EXPECT_THAT(limit.TakeLeftOut(start + absl::Seconds(2)), IsEmpty());
}

TEST(RejectionLimitTest, ManyPeersTakeBoundedMemory) {
  RejectionLimit limit;
  for (size_t i = 0; i < RejectionLimit::kMaxPeers; ++i) EXPECT_TRUE(limit.Admit(absl::StrCat(i), {}));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limit.Admit(absl::StrCat("more ", i), {}));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.Admit(absl::StrCat("yet more ", i), {}));
  EXPECT_TRUE(limit.Admit("0", {})) << "a known peer is not affected";
  EXPECT_THAT(limit.TakeLeftOut(absl::Seconds(1)), ElementsAre(Pair("other", 3)));
}

}  // namespace
}  // namespace qconfig
