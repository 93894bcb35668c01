// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_MEMORY_STORE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_MEMORY_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/base/clock.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {

// The reference engine: the simplest code that fulfills the contract. Its contents are lost with the object. A new
// store begins at revision 1 of the first epoch, so after a restart, a revision number can refer to a different state.
// Thread-safe.
class MemoryStore : public RegistryStore {
 public:
  explicit MemoryStore(const HistoryLimits& history, Clock clock = Clock());
  ~MemoryStore() override;

  absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit) override;
  absl::StatusOr<int64_t> BeginEpoch() override;
  absl::Status CheckWritable() override { return absl::OkStatus(); }
  absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const override;
  absl::StatusOr<RegistryState> Load(const TenantId& tenant, int64_t revision) const override;
  absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                             size_t max_changes) const override;
  absl::StatusOr<std::optional<RegistryCommit>> FindRequest(const TenantId& tenant,
                                                            const std::string& request_id) const override;
  absl::StatusOr<int64_t> LastRevisionWith(const TenantId& tenant, EntryType type, const std::string& name,
                                           int64_t revision) const override;
  int64_t writes() const override;
  int64_t tenants() const override;
  absl::Time newest_when_opened() const override { return absl::InfinitePast(); }

 private:
  struct Registry;  // of one tenant

  // The registry of the tenant, or an empty one. Valid as long as the store.
  const Registry& Find(const TenantId& tenant) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  RevisionRange GetRange(const Registry& registry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const HistoryLimits history_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Registry> registries_ ABSL_GUARDED_BY(mutex_);
  int64_t writes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_MEMORY_STORE_H_
