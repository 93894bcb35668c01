// SPDX-License-Identifier: Apache-2.0
#include "server/registry/history_expiry.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

constexpr absl::Duration kMaxStep = absl::Hours(24);
constexpr absl::Duration kPause = absl::Hours(24);

std::string Date(absl::Time time) { return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone()); }

}  // namespace

HistoryExpiry::HistoryExpiry(absl::Duration max_age, absl::Time newest_write, Clock clock, Warn warn)
    : max_age_(max_age),
      clock_(std::move(clock)),
      warn_(std::move(warn)),
      last_wall_(clock_.Now()),
      last_steady_(clock_.Steady()) {
  if (newest_write == absl::InfinitePast() || last_wall_ - newest_write <= kMaxStep) return;
  paused_until_ = last_steady_ + kPause;
  warn_(absl::StrCat("the clock says ", Date(last_wall_), ", and the newest change in the store is from ",
                     Date(newest_write)));
}

absl::Time HistoryExpiry::ExpiredUpTo(absl::Time now) {
  std::string why;
  bool is_paused = false;
  {
    const absl::MutexLock lock(&mutex_);
    const absl::Duration steady = clock_.Steady();
    const absl::Time expected = last_wall_ + (steady - last_steady_);
    last_wall_ = now;
    last_steady_ = steady;
    if (now - expected > kMaxStep) {
      if (!IsPausedAt(steady)) why = absl::StrCat("the clock moved from ", Date(expected), " to ", Date(now));
      paused_until_ = steady + kPause;
    }
    is_paused = IsPausedAt(steady);
  }
  if (!why.empty()) warn_(why);
  return is_paused ? absl::InfinitePast() : now - max_age_;
}

bool HistoryExpiry::is_paused() const {
  const absl::MutexLock lock(&mutex_);
  return IsPausedAt(clock_.Steady());
}

}  // namespace qconfig
