// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_WRITE_LOCKS_H_
#define QCONFIG_SERVER_REGISTRY_WRITE_LOCKS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/tenant_id.h"
#include "server/base/clock.h"
#include "server/base/counted.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// One lock for each tenant, which serializes the writes to its registry; they get it in order of arrival. So the store
// has at most one write of each tenant at a time, also in a group commit. Limits how many calls hold a lock or wait for
// one, because each keeps a thread, however slow the disk is. Seven eighths of the places are for everybody. Above
// that, a call gets a place only if both its tenant and its caller have less than an equal share of all places, at
// least four; half of these are also for callers with fewer than four. Thread-safe.
class WriteLocks {
 public:
  WriteLocks(size_t max_calls, Clock clock) : max_calls_(max_calls), clock_(std::move(clock)) {}

  // Holds the tenant's lock for as long as the result lives, which must not outlive this object. `caller` makes the
  // call. OVERLOADED: there is no place for it. kDeadlineExceeded: the lock was not released in time.
  absl::StatusOr<Counted> Acquire(const TenantId& tenant, absl::string_view caller, absl::Duration deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The calls that wait for a lock.
  size_t waiting() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The calls that were OVERLOADED.
  int64_t rejections() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiter {
    bool has_lock = false;
    SteadyCondVar changed;
  };
  using Waiters = std::deque<Waiter*>;  // the first one is next

  // OVERLOADED if there is no place for another call.
  absl::Status CheckPlaces(const std::string& tenant, const std::string& caller) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Await(const std::string& tenant, absl::Duration deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeavePlace(const std::string& caller) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release(const std::string& tenant, const std::string& caller) ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t max_calls_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;  // that hold a lock or wait for one
  int64_t rejections_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Waiters> locked_ ABSL_GUARDED_BY(mutex_);  // by tenant: the calls that wait
  absl::flat_hash_map<std::string, size_t> callers_ ABSL_GUARDED_BY(mutex_);  // their calls; not 0
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_WRITE_LOCKS_H_
