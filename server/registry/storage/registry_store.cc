// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/registry_store.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

// `status` with another message but the same payloads.
absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload(
      [&changed](absl::string_view type, const absl::Cord& payload) { changed.SetPayload(type, payload); });
  return changed;
}

}  // namespace

absl::Status Conflict(const TenantId& tenant, int64_t next) {
  return absl::AbortedError(absl::StrCat("the next revision of tenant ", tenant.name(), " is ", next));
}

absl::Status RequestIdTaken(const TenantId& tenant, absl::string_view request_id) {
  return absl::AlreadyExistsError(absl::StrCat("tenant ", tenant.name(), " has a write of request ", request_id));
}

// A write needs room for itself in history, and the earlier version of an entry that it replaces.
absl::Status CheckTenantBytes(const TenantId& tenant, const v1::ChangeRecord& record, int64_t current_bytes,
                              const HistoryLimits& limits) {
  int64_t added = 0;
  for (const v1::RegistryChange& change : record.changes()) {
    added += static_cast<int64_t>(change.put_scheme().ByteSizeLong() + change.put_template().ByteSizeLong());
  }
  const int64_t bytes = current_bytes + added + static_cast<int64_t>(record.ByteSizeLong());
  if (added == 0 || bytes <= limits.max_tenant_bytes) return absl::OkStatus();
  return Error(v1::ERROR_REASON_QUOTA_EXCEEDED)
      .Tenant(tenant.name())
      .Advice("Unregister entries that are no longer used, or ask the operator to raise --tenant-disk-bytes")
      .ToStatus(absl::StrCat("the tenant's schemes, templates and newest change would take ", bytes,
                             " bytes of disk space, and its quota is ", limits.max_tenant_bytes));
}

absl::Status StorageUnavailable(absl::string_view problem) {
  return Error(v1::ERROR_REASON_STORAGE_UNAVAILABLE).ToStatus(problem);
}

absl::Status StorageFull(absl::string_view problem) { return Error(v1::ERROR_REASON_STORAGE_FULL).ToStatus(problem); }

absl::Status StorageUnavailable(absl::string_view problem, absl::string_view for_clients) {
  return WithMessage(StorageUnavailable(for_clients), problem);
}

absl::Status StorageFull(absl::string_view problem, absl::string_view for_clients) {
  return WithMessage(StorageFull(for_clients), problem);
}

int64_t HistoryTime(const v1::ChangeRecord& record) {
  return absl::ToUnixMicros(absl::FromUnixSeconds(record.time().seconds()) + absl::Nanoseconds(record.time().nanos()));
}

bool HistoryRemoval::Remove(int64_t time, int64_t bytes) {
  const bool is_beyond = bytes_ > limits_.max_bytes || bytes_ + entry_bytes_ > limits_.max_tenant_bytes;
  const bool is_too_large = is_beyond && writes_ > 1;
  if (!is_too_large && writes_ <= limits_.max_changes && time > expired_up_to_) return false;
  if (removed_ >= kMaxRemovedAtOnce && (!is_too_large || removed_bytes_ >= added_bytes_)) return false;
  ++removed_;
  removed_bytes_ += bytes;
  --writes_;
  bytes_ -= bytes;
  return true;
}

}  // namespace qconfig
