// SPDX-License-Identifier: Apache-2.0
#include "server/registry/history_expiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kMaxAge = absl::Hours(24 * 400);

class HistoryExpiryTest : public testing::Test {
 protected:
  HistoryExpiry Make(absl::Time newest_write) {
    return HistoryExpiry(kMaxAge, newest_write, Clock([this] { return wall_; }, [this] { return steady_; }),
                         [this](const std::string& why) { warnings_.push_back(why); });
  }

  void Pass(absl::Duration time) {
    wall_ += time;
    steady_ += time;
  }

  absl::Time wall_ = absl::FromUnixSeconds(1'800'000'000);  // 2027-01-15
  absl::Duration steady_ = absl::Hours(5);
  std::vector<std::string> warnings_;
};

TEST_F(HistoryExpiryTest, HistoryExpiresByAge) {
  HistoryExpiry expiry = Make(absl::InfinitePast());
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), wall_ - kMaxAge);
  Pass(30 * kDay);  // without a write
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), wall_ - kMaxAge);
  EXPECT_FALSE(expiry.is_paused());
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(HistoryExpiryTest, ForwardStepPausesExpiryFor24Hours) {
  HistoryExpiry expiry = Make(absl::InfinitePast());
  expiry.ExpiredUpTo(wall_);
  Pass(absl::Seconds(1));
  wall_ += 410 * kDay;
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), absl::InfinitePast());
  EXPECT_TRUE(expiry.is_paused());
  Pass(absl::Hours(23));
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), absl::InfinitePast());
  Pass(absl::Hours(1));
  EXPECT_FALSE(expiry.is_paused());
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), wall_ - kMaxAge);
  EXPECT_THAT(warnings_, ElementsAre("the clock moved from 2027-01-15T08:00:01+00:00 to 2028-02-29T08:00:01+00:00"));
}

TEST_F(HistoryExpiryTest, StepBackDoesNotEndThePause) {
  HistoryExpiry expiry = Make(absl::InfinitePast());
  wall_ += 410 * kDay;
  expiry.ExpiredUpTo(wall_);
  wall_ -= 410 * kDay;
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), absl::InfinitePast());
  wall_ += 410 * kDay;
  Pass(absl::Hours(20));
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), absl::InfinitePast());
  EXPECT_EQ(warnings_.size(), 1) << "a clock that keeps jumping does not fill the log";
  Pass(absl::Hours(20));
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), absl::InfinitePast()) << "24 hours since the last step";
}

TEST_F(HistoryExpiryTest, StepWithoutAReadingIsNoticedLater) {
  HistoryExpiry expiry = Make(absl::InfinitePast());
  wall_ += 2 * kDay;
  Pass(100 * kDay);
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), absl::InfinitePast());
}

TEST_F(HistoryExpiryTest, DriftSmallStepsAndStepsBackDoNotPause) {
  HistoryExpiry expiry = Make(absl::InfinitePast());
  for (int i = 0; i < 100; ++i) {
    Pass(absl::Hours(1));
    wall_ += absl::Hours(1);  // twice too fast
    EXPECT_EQ(expiry.ExpiredUpTo(wall_), wall_ - kMaxAge);
  }
  wall_ += kDay;
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), wall_ - kMaxAge);
  wall_ -= 1000 * kDay;
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), wall_ - kMaxAge);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(HistoryExpiryTest, ClockThatIsWrongFromTheStart) {
  HistoryExpiry expiry = Make(wall_ - 2 * kDay);
  EXPECT_TRUE(expiry.is_paused());
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), absl::InfinitePast());
  EXPECT_THAT(warnings_, ElementsAre("the clock says 2027-01-15T08:00:00+00:00, and the newest change in the store is "
                                     "from 2027-01-13T08:00:00+00:00"));
  Pass(absl::Hours(24));
  EXPECT_EQ(expiry.ExpiredUpTo(wall_), wall_ - kMaxAge);
}

TEST_F(HistoryExpiryTest, NewestWriteOfTodayOrOfTheFuture) {
  EXPECT_FALSE(Make(wall_ - kDay).is_paused());
  EXPECT_FALSE(Make(wall_ + 500 * kDay).is_paused());
  EXPECT_THAT(warnings_, IsEmpty());
}

}  // namespace
}  // namespace qconfig
