// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_REVISION_WAITS_H_
#define QCONFIG_SERVER_REGISTRY_REVISION_WAITS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/tenant_id.h"
#include "server/base/clock.h"
#include "server/base/counted.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Lets calls wait until a tenant's registry reaches a revision. Limits how many calls wait: each keeps a thread.
// Thread-safe.
class RevisionWaits {
 public:
  // `max_wait` is for calls without a deadline.
  RevisionWaits(size_t max_calls, absl::Duration max_wait, Clock clock)
      : max_calls_(max_calls), max_wait_(max_wait), clock_(std::move(clock)) {}

  // Waits until `reached` returns true or fails, and returns its result. Calls it at once, after every Notify() of the
  // tenant, and about once a second; never under a lock. Returns false when the deadline of the call is near, or
  // `is_cancelled` returns true. If the call would have to wait: OVERLOADED if `max_calls` calls wait, SHUTTING_DOWN
  // after Stop().
  absl::StatusOr<bool> WaitUntil(const TenantId& tenant, absl::Duration deadline,
                                 const std::function<bool()>& is_cancelled,
                                 absl::FunctionRef<absl::StatusOr<bool>()> reached) ABSL_LOCKS_EXCLUDED(mutex_);

  // The tenant's registry may have a new revision.
  void Notify(const TenantId& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all waits; later ones fail immediately.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // The number of calls that wait.
  size_t calls() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // The calls that wait for one tenant.
  struct Waiting {
    size_t calls = 0;
    int64_t notified = 0;  // how often
    SteadyCondVar notify;
  };

  // How long a call that arrives now may wait, so that the response still arrives in time.
  absl::Duration MaxWait(absl::Duration deadline) const;
  // Counts a waiting call for as long as the result lives.
  absl::StatusOr<Counted> Enter(const TenantId& tenant) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(const std::string& tenant) ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t Notified(const TenantId& tenant) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until Notified() is no longer `seen`, up to `timeout`; may return earlier. SHUTTING_DOWN: Stop() was called.
  absl::Status WaitForNotify(const TenantId& tenant, int64_t seen, absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t max_calls_;
  const absl::Duration max_wait_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, std::unique_ptr<Waiting>> waiting_ ABSL_GUARDED_BY(mutex_);  // by tenant
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_REVISION_WAITS_H_
