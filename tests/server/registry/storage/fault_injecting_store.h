// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_INJECTING_STORE_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_INJECTING_STORE_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {

// Wraps a store and makes selected calls fail or block.
// Thread-safe.
class FaultInjectingStore : public RegistryStore {
 public:
  explicit FaultInjectingStore(std::unique_ptr<RegistryStore> store) : store_(std::move(store)) {}

  // The next Commit() fails with `status` and stores nothing. Several faults, including those of FailAfterStoring(),
  // are used in order, one per Commit().
  void FailBeforeStoring(absl::Status status);
  // The next Commit() stores its write but fails with `status`, as if the answer were lost.
  void FailAfterStoring(absl::Status status);
  // All reads fail with `status`, until this is called with OK.
  void FailReads(absl::Status status);
  // All reads block until ReleaseReads(), as on a disk that hangs.
  void HoldReads();
  void ReleaseReads();
  // Waits until `count` reads are blocked.
  void WaitForHeldReads(int count) const;
  // The number of calls of Load() that were not held, or no longer are.
  int loads() const;
  // As for reads.
  void HoldCommits();
  void ReleaseCommits();
  void WaitForHeldCommits(int count) const;

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
  struct CommitFault {
    absl::Status status;
    bool stores = false;
  };

  // Blocks while reads are held. Returns the fault of reads.
  absl::Status ReadFault() const;

  const std::unique_ptr<RegistryStore> store_;
  mutable absl::Mutex mutex_;
  std::deque<CommitFault> commit_faults_ ABSL_GUARDED_BY(mutex_);
  absl::Status read_fault_ ABSL_GUARDED_BY(mutex_);
  bool hold_reads_ ABSL_GUARDED_BY(mutex_) = false;
  mutable int held_reads_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable int loads_ ABSL_GUARDED_BY(mutex_) = 0;
  bool hold_commits_ ABSL_GUARDED_BY(mutex_) = false;
  int held_commits_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_INJECTING_STORE_H_
