// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_OBSERVED_STORE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_OBSERVED_STORE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/base/clock.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {

// The operations that are reported.
enum class StoreOperation { kCommit, kRevisions, kLoad, kChanges, kFindRequest, kFindRemoved };
inline constexpr size_t kStoreOperations = 6;

// Reports the status and duration of each operation of another store, except BeginEpoch() and CheckWritable(), which no
// call makes. Thread-safe.
class ObservedStore : public RegistryStore {
 public:
  // Called on the thread of the operation, before the operation returns.
  using Report = std::function<void(StoreOperation, const absl::Status&, absl::Duration)>;

  ObservedStore(std::unique_ptr<RegistryStore> store, Report report, Clock clock = Clock())
      : store_(std::move(store)), report_(std::move(report)), clock_(std::move(clock)) {}

  absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit) override;
  absl::StatusOr<int64_t> BeginEpoch() override { return store_->BeginEpoch(); }
  absl::Status CheckWritable() override { return store_->CheckWritable(); }
  absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const override;
  absl::StatusOr<RegistryState> Load(const TenantId& tenant, int64_t revision) const override;
  absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                             size_t max_changes) const override;
  absl::StatusOr<std::optional<RegistryCommit>> FindRequest(const TenantId& tenant,
                                                            const std::string& request_id) const override;
  absl::StatusOr<int64_t> LastRevisionWith(const TenantId& tenant, EntryType type, const std::string& name,
                                           int64_t revision) const override;
  int64_t writes() const override { return store_->writes(); }
  int64_t tenants() const override { return store_->tenants(); }
  absl::Time newest_when_opened() const override { return store_->newest_when_opened(); }

 private:
  template <typename Run>
  auto Observe(StoreOperation operation, Run run) const;

  const std::unique_ptr<RegistryStore> store_;
  const Report report_;
  const Clock clock_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_OBSERVED_STORE_H_
