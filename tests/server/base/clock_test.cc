// SPDX-License-Identifier: Apache-2.0
#include "server/base/clock.h"

#include <gtest/gtest.h>

namespace qconfig {
namespace {

TEST(ClockTest, ReturnsTheTimesOfItsSource) {
  absl::Time now = absl::UnixEpoch();
  absl::Duration steady = absl::Seconds(5);
  const Clock clock([&now] { return now; }, [&steady] { return steady; });
  now += absl::Hours(1);
  steady += absl::Seconds(1);
  const Clock copy = clock;
  EXPECT_EQ(copy.Now(), absl::FromUnixSeconds(3600));
  EXPECT_EQ(copy.Steady(), absl::Seconds(6));
}

TEST(ClockTest, SteadyTimeIgnoresWallTimeChanges) {
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  const Clock clock([&now] { return now; });
  const absl::Duration before = clock.Steady();
  now = absl::UnixEpoch();
  EXPECT_GE(clock.Steady(), before);
  EXPECT_LT(clock.Steady() - before, absl::Hours(1));
}

}  // namespace
}  // namespace qconfig
