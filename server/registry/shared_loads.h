// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_SHARED_LOADS_H_
#define QCONFIG_SERVER_REGISTRY_SHARED_LOADS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/tenant_id.h"
#include "server/base/clock.h"
#include "server/base/counted.h"
#include "server/base/steady_cond_var.h"
#include "server/registry/registry_view.h"

namespace qconfig {

// Loads each registry once, however many calls need it at the same time, and limits how many registries are read at
// once: one of each tenant and two in total, because that takes a processor and as much memory as the registry.
// Limits how many calls wait, because each keeps a thread. Deadlines are steady time. Thread-safe.
class SharedLoads {
 public:
  using View = std::shared_ptr<const RegistryView>;

  SharedLoads(size_t max_waiting_calls, Clock clock) : max_waiting_(max_waiting_calls), clock_(std::move(clock)) {}

  // Returns the result of `load`, which loads the tenant's registry at `revision` (0: the newest), or that of another
  // call that loads the same one. A load that has begun is not interrupted. A failed one fails the calls that wait for
  // it, unless it is kDeadlineExceeded, but not later ones. OVERLOADED: too many calls wait. kDeadlineExceeded: the
  // load of another call did not end before the deadline.
  absl::StatusOr<View> Get(const TenantId& tenant, int64_t revision, absl::Duration deadline,
                           absl::FunctionRef<absl::StatusOr<View>()> load) ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts a registry as being read for as long as the result lives, which must not outlive this object. Waits for the
  // end of others. OVERLOADED, kDeadlineExceeded: as above.
  absl::StatusOr<Counted> EnterRead(const TenantId& tenant, absl::Duration deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  // Call this when the tenant's newest registry changes: calls that begin later do not get the result of a load of the
  // newest registry that has already begun.
  void Outdate(const TenantId& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // A load and the calls that wait for it.
  struct Load {
    bool ended = false;
    absl::StatusOr<View> result;
    SteadyCondVar changed;
  };
  using Key = std::pair<std::string, int64_t>;  // tenant and revision

  // Waits until `is_done` returns true; `changed` is notified when it may.
  absl::Status Wait(SteadyCondVar& changed, absl::Duration deadline, absl::FunctionRef<bool()> is_done)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeaveRead(const std::string& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t max_waiting_;
  const Clock clock_;
  absl::Mutex mutex_;
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;                        // calls
  absl::flat_hash_set<std::string> reading_ ABSL_GUARDED_BY(mutex_);  // tenants
  SteadyCondVar read_;                                                // a tenant was removed from `reading_`
  absl::flat_hash_map<Key, std::shared_ptr<Load>> loads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_SHARED_LOADS_H_
