// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_WRITE_LOCKS_H_
#define QCONFIG_SERVER_REGISTRY_WRITE_LOCKS_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/tenant_id.h"
#include "server/base/clock.h"
#include "server/base/counted.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// One lock for each tenant, which serializes the writes to its registry. Limits how many calls hold a lock or wait for
// one, because each keeps a thread, however slow the disk is. Thread-safe.
class WriteLocks {
 public:
  WriteLocks(size_t max_calls, Clock clock) : max_calls_(max_calls), clock_(std::move(clock)) {}

  // Holds the tenant's lock for as long as the result lives, which must not outlive this object.
  // OVERLOADED: `max_calls` calls hold or wait for a lock. kDeadlineExceeded: the lock was not released in time.
  absl::StatusOr<Counted> Acquire(const TenantId& tenant, absl::Duration deadline) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // False if `max_calls` calls are counted.
  bool CountCall() ABSL_LOCKS_EXCLUDED(mutex_);
  void Release(const std::string& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t max_calls_;
  const Clock clock_;
  absl::Mutex mutex_;
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;                         // that hold a lock or wait for one
  absl::flat_hash_set<std::string> locked_ ABSL_GUARDED_BY(mutex_);  // tenants
  SteadyCondVar released_;                                           // a tenant was removed from `locked_`
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_WRITE_LOCKS_H_
