// SPDX-License-Identifier: Apache-2.0
#include "server/auth/rejection_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/base/call_context.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

MATCHER_P3(LeftOut, host, principal, count, "") {
  return arg.first == RejectionSource{host, principal} && arg.second == count;
}

TEST(RejectionLimitTest, AdmitsTenLinesOfEachSourceInASecondAndCountsTheRest) {
  RejectionLimit limit;
  const absl::Duration start = absl::Hours(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(limit.Admit({"a", ""}, start));
    EXPECT_TRUE(limit.Admit({"a", "alice"}, start)) << "behind the same front";
    EXPECT_TRUE(limit.Admit({"b", ""}, start));
  }
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(limit.Admit({"a", ""}, start + absl::Milliseconds(900)));
  EXPECT_FALSE(limit.Admit({"a", "alice"}, start));
  EXPECT_THAT(limit.TakeLeftOut(start + absl::Milliseconds(999)), IsEmpty());
  EXPECT_THAT(limit.TakeLeftOut(start + absl::Seconds(1)),
              UnorderedElementsAre(LeftOut("a", "", 7), LeftOut("a", "alice", 1)));
  EXPECT_TRUE(limit.Admit({"a", ""}, start + absl::Seconds(1)));
  EXPECT_THAT(limit.TakeLeftOut(start + absl::Seconds(2)), IsEmpty());
}

TEST(RejectionLimitTest, AdmitsAHundredLinesOfAllSourcesInASecond) {
  RejectionLimit limit;
  const absl::Duration start = absl::Hours(1);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limit.Admit({absl::StrCat(i), ""}, start));
  EXPECT_FALSE(limit.Admit({"more", ""}, start + absl::Milliseconds(999)));
  EXPECT_THAT(limit.TakeLeftOut(start + absl::Seconds(2)), ElementsAre(LeftOut("more", "", 1)));
  EXPECT_TRUE(limit.Admit({"more", ""}, start + absl::Seconds(2)));
}

TEST(RejectionLimitTest, ManySourcesTakeBoundedMemory) {
  RejectionLimit limit;
  for (size_t i = 0; i < RejectionLimit::kMaxSources + 7; ++i) limit.Admit({absl::StrCat(i), ""}, {});
  int64_t others = 0;
  for (const auto& [source, count] : limit.TakeLeftOut(absl::Seconds(1))) others += source.host == "other" ? count : 0;
  EXPECT_EQ(others, 7);
}

TEST(HostOfTest, HasTheNetworkOfIpv6) {
  EXPECT_EQ(HostOf("ipv4:192.0.2.1:4321"), "ipv4:192.0.2.1");
  EXPECT_EQ(HostOf("ipv6:%5B2001:db8::1:2:3:4%5D:4321"), "ipv6:2001:db8::/64");
  EXPECT_EQ(HostOf("ipv6:[2001:db8::ffff]:4321"), "ipv6:2001:db8::/64");
  EXPECT_EQ(HostOf("unix:/run/qconfig"), "unix:/run/qconfig");
}

}  // namespace
}  // namespace qconfig
