// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_HISTORY_EXPIRY_H_
#define QCONFIG_SERVER_REGISTRY_HISTORY_EXPIRY_H_

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

namespace qconfig {

// Decides which history is too old. A wall clock that is wrong for a while must not erase what is promised for months:
// after the clock has moved forward by more than a day, compared with steady time, nothing is too old for 24 hours of
// steady time. Thread-safe.
class HistoryExpiry {
 public:
  // Called with what has happened when expiry is paused.
  using Warn = std::function<void(const std::string& why)>;

  // `newest_write` is the time of the newest write in the store, absl::InfinitePast() if there is none. It is compared
  // with the clock now, because the clock may have been wrong since the process started.
  HistoryExpiry(absl::Duration max_age, absl::Time newest_write, Clock clock, Warn warn);

  // Writes up to the result are too old if it is `now`, which was just read from the clock. absl::InfinitePast(): none.
  absl::Time ExpiredUpTo(absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  bool is_paused() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool IsPausedAt(absl::Duration steady) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return steady < paused_until_; }

  const absl::Duration max_age_;
  const Clock clock_;
  const Warn warn_;
  mutable absl::Mutex mutex_;
  absl::Time last_wall_ ABSL_GUARDED_BY(mutex_);  // the last readings
  absl::Duration last_steady_ ABSL_GUARDED_BY(mutex_);
  absl::Duration paused_until_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();  // steady time
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_HISTORY_EXPIRY_H_
