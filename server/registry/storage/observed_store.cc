// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/observed_store.h"

namespace qconfig {

template <typename Run>
auto ObservedStore::Observe(StoreOperation operation, Run run) const {
  const absl::Duration start = clock_.Steady();
  auto result = run();
  report_(operation, result.status(), clock_.Steady() - start);
  return result;
}

absl::StatusOr<RevisionRange> ObservedStore::Commit(const TenantId& tenant, const RegistryCommit& commit) {
  return Observe(StoreOperation::kCommit, [&] { return store_->Commit(tenant, commit); });
}

absl::StatusOr<RevisionRange> ObservedStore::Revisions(const TenantId& tenant) const {
  return Observe(StoreOperation::kRevisions, [&] { return store_->Revisions(tenant); });
}

absl::StatusOr<RegistryState> ObservedStore::Load(const TenantId& tenant, int64_t revision) const {
  return Observe(StoreOperation::kLoad, [&] { return store_->Load(tenant, revision); });
}

absl::StatusOr<std::vector<v1::ChangeRecord>> ObservedStore::ChangesSince(const TenantId& tenant, int64_t revision,
                                                                          size_t max_changes) const {
  return Observe(StoreOperation::kChanges, [&] { return store_->ChangesSince(tenant, revision, max_changes); });
}

absl::StatusOr<std::optional<RegistryCommit>> ObservedStore::FindRequest(const TenantId& tenant,
                                                                         const std::string& request_id) const {
  return Observe(StoreOperation::kFindRequest, [&] { return store_->FindRequest(tenant, request_id); });
}

absl::StatusOr<int64_t> ObservedStore::LastRevisionWith(const TenantId& tenant, EntryType type, const std::string& name,
                                                        int64_t revision) const {
  return Observe(StoreOperation::kFindRemoved, [&] { return store_->LastRevisionWith(tenant, type, name, revision); });
}

}  // namespace qconfig
