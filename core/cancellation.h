// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CANCELLATION_H_
#define QCONFIG_CORE_CANCELLATION_H_

#include <cstddef>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace qconfig {

// Lets a caller stop a long computation. The core has no clock, so the caller supplies the check. Loops report the
// work that they are about to do, and the check runs only once for every kStepsPerCheck steps, so small requests never
// pay for it. Cheap to copy; a copy counts its own steps. Not thread-safe.
class CancellationToken {
 public:
  // A step takes about a nanosecond, such as comparing two characters. So the check runs every few milliseconds.
  static constexpr size_t kStepsPerCheck = 2'000'000;

  // Never stops the computation.
  CancellationToken() = default;
  // Stops the computation with the first error that `check` returns. `check` must outlive the token and its copies.
  explicit CancellationToken(absl::FunctionRef<absl::Status()> check) : check_(check) {}

  // Reports that the caller is about to take `steps` steps. Returns the error of the check if that is due and fails.
  absl::Status Spend(size_t steps) {
    if (steps < left_) {
      left_ -= steps;
      return absl::OkStatus();
    }
    left_ = kStepsPerCheck;
    return check_.has_value() ? (*check_)() : absl::OkStatus();
  }

 private:
  std::optional<absl::FunctionRef<absl::Status()>> check_;
  size_t left_ = kStepsPerCheck;  // steps until the next check
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_CANCELLATION_H_
