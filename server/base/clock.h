// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_CLOCK_H_
#define QCONFIG_SERVER_BASE_CLOCK_H_

#include <chrono>
#include <functional>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace qconfig {

// Tells the time. Code that needs it takes a Clock instead of calling absl::Now(), so that tests can set the time.
// Copies tell the same time. Thread-safe.
class Clock {
 public:
  using WallTime = std::function<absl::Time()>;
  using SteadyTime = std::function<absl::Duration()>;

  // The clocks of this machine.
  Clock() : Clock(absl::Now) {}
  explicit Clock(WallTime now, SteadyTime steady = MachineSteady) : now_(std::move(now)), steady_(std::move(steady)) {}

  // Date and time, for timestamps. Can be set to any other time.
  absl::Time Now() const { return now_(); }

  // The time since some fixed moment, for measuring how long something takes. Never goes back.
  absl::Duration Steady() const { return steady_(); }

 private:
  static absl::Duration MachineSteady() {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }

  WallTime now_;
  SteadyTime steady_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CLOCK_H_
