// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/fault_injecting_store.h"

#include <utility>

namespace qconfig {

void FaultInjectingStore::FailBeforeStoring(absl::Status status) {
  const absl::MutexLock lock(&mutex_);
  commit_faults_.push_back({std::move(status), false});
}

void FaultInjectingStore::FailAfterStoring(absl::Status status) {
  const absl::MutexLock lock(&mutex_);
  commit_faults_.push_back({std::move(status), true});
}

void FaultInjectingStore::FailReads(absl::Status status) {
  const absl::MutexLock lock(&mutex_);
  read_fault_ = std::move(status);
}

void FaultInjectingStore::HoldReads() {
  const absl::MutexLock lock(&mutex_);
  hold_reads_ = true;
}

void FaultInjectingStore::ReleaseReads() {
  const absl::MutexLock lock(&mutex_);
  hold_reads_ = false;
}

void FaultInjectingStore::WaitForHeldReads(int count) const {
  const auto are_held = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return held_reads_ >= count; };
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&are_held));
}

int FaultInjectingStore::loads() const {
  const absl::MutexLock lock(&mutex_);
  return loads_;
}

void FaultInjectingStore::HoldCommits() {
  const absl::MutexLock lock(&mutex_);
  hold_commits_ = true;
}

void FaultInjectingStore::ReleaseCommits() {
  const absl::MutexLock lock(&mutex_);
  hold_commits_ = false;
}

void FaultInjectingStore::WaitForHeldCommits(int count) const {
  const auto are_held = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return held_commits_ >= count; };
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&are_held));
}

absl::Status FaultInjectingStore::ReadFault() const {
  const auto is_released = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !hold_reads_; };
  const absl::MutexLock lock(&mutex_);
  ++held_reads_;
  mutex_.Await(absl::Condition(&is_released));
  --held_reads_;
  return read_fault_;
}

absl::StatusOr<RevisionRange> FaultInjectingStore::Commit(const TenantId& tenant, const RegistryCommit& commit) {
  CommitFault fault;
  {
    const auto is_released = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !hold_commits_; };
    const absl::MutexLock lock(&mutex_);
    ++held_commits_;
    mutex_.Await(absl::Condition(&is_released));
    --held_commits_;
    if (!commit_faults_.empty()) {
      fault = std::move(commit_faults_.front());
      commit_faults_.pop_front();
    }
  }
  if (!fault.status.ok() && !fault.stores) return fault.status;
  absl::StatusOr<RevisionRange> committed = store_->Commit(tenant, commit);
  if (!fault.status.ok()) return fault.status;
  return committed;
}

absl::StatusOr<RevisionRange> FaultInjectingStore::Revisions(const TenantId& tenant) const {
  if (absl::Status fault = ReadFault(); !fault.ok()) return fault;
  return store_->Revisions(tenant);
}

absl::StatusOr<RegistryState> FaultInjectingStore::Load(const TenantId& tenant, int64_t revision) const {
  if (absl::Status fault = ReadFault(); !fault.ok()) return fault;
  {
    const absl::MutexLock lock(&mutex_);
    ++loads_;
  }
  return store_->Load(tenant, revision);
}

absl::StatusOr<std::vector<v1::ChangeRecord>> FaultInjectingStore::ChangesSince(const TenantId& tenant,
                                                                                int64_t revision,
                                                                                size_t max_changes) const {
  if (absl::Status fault = ReadFault(); !fault.ok()) return fault;
  return store_->ChangesSince(tenant, revision, max_changes);
}

absl::StatusOr<std::optional<RegistryCommit>> FaultInjectingStore::FindRequest(const TenantId& tenant,
                                                                               const std::string& request_id) const {
  if (absl::Status fault = ReadFault(); !fault.ok()) return fault;
  return store_->FindRequest(tenant, request_id);
}

absl::StatusOr<int64_t> FaultInjectingStore::LastRevisionWith(const TenantId& tenant, EntryType type,
                                                              const std::string& name, int64_t revision) const {
  if (absl::Status fault = ReadFault(); !fault.ok()) return fault;
  return store_->LastRevisionWith(tenant, type, name, revision);
}

}  // namespace qconfig
