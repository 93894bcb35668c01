// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_HOST_BUDGETS_H_
#define QCONFIG_SERVER_RPC_HOST_BUDGETS_H_

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

namespace qconfig {

// A token bucket for each host, which can be in debt. Hosts that it does not remember have a full one. Remembers at
// most kMaxHosts: it then forgets those whose bucket is full again, and if there are none, further hosts share one
// bucket. Thread-safe.
class HostBudgets {
 public:
  static constexpr size_t kMaxHosts = 10'000;
  static constexpr double kMaxDebt = 10;  // in capacities

  // A full bucket has `capacity` tokens. Time adds `per_second`.
  HostBudgets(double capacity, double per_second, Clock clock)
      : capacity_(capacity), per_second_(per_second), clock_(std::move(clock)) {}

  // The tokens that are left; negative if the host is in debt.
  double Left(const std::string& host) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes `tokens`. Returns false, and takes none, if there are fewer.
  bool Take(const std::string& host, double tokens) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes `tokens`, even if there are fewer. The debt is at most kMaxDebt times the capacity.
  void Charge(const std::string& host, double tokens) ABSL_LOCKS_EXCLUDED(mutex_);

  // The hosts whose buckets are not full. For tests.
  size_t size() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Bucket {
    double tokens;
    absl::Duration updated;
  };
  using Buckets = std::unordered_map<std::string, Bucket>;

  void Refill(Bucket& bucket) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Bucket& FindOrAdd(const std::string& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetFull(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const double capacity_;
  const double per_second_;
  const Clock clock_;
  absl::Mutex mutex_;
  Buckets buckets_ ABSL_GUARDED_BY(mutex_);
  absl::Duration next_search_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();  // for full buckets
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_HOST_BUDGETS_H_
