// SPDX-License-Identifier: Apache-2.0
#include "server/storage/registry_store.h"

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {

absl::Status CheckReadable(const TenantId& tenant, const RevisionRange& range, int64_t revision) {
  if (revision >= range.first && revision <= range.newest) return absl::OkStatus();
  const bool in_future = revision > range.newest;
  return Error(in_future ? v1::ERROR_REASON_REVISION_IN_FUTURE : v1::ERROR_REASON_REVISION_COMPACTED)
      .Field("revision")
      .Value(absl::StrCat(revision))
      .Allowed({absl::StrCat(range.first, " to ", range.newest)})
      .Tenant(tenant.name())
      .Because(in_future ? "the tenant's registry has not come to this revision"
                         : "so old revisions of the tenant's registry are not kept");
}

absl::Status Conflict(const TenantId& tenant, int64_t newest) {
  return absl::AbortedError(absl::StrCat("tenant ", tenant.name(), " is at revision ", newest, " already"));
}

absl::Status RequestIdTaken(const TenantId& tenant, absl::string_view request_id) {
  return absl::AlreadyExistsError(absl::StrCat("tenant ", tenant.name(), " has a write of request ", request_id));
}

absl::Status StorageUnavailable(absl::string_view problem) {
  return Error(v1::ERROR_REASON_STORAGE_UNAVAILABLE).Because(problem);
}

absl::Status StorageFull(absl::string_view problem) { return Error(v1::ERROR_REASON_STORAGE_FULL).Because(problem); }

int64_t HistoryTime(const v1::ChangeRecord& record) {
  return absl::ToUnixMicros(absl::FromUnixSeconds(record.time().seconds()) + absl::Nanoseconds(record.time().nanos()));
}

int64_t ForgottenUpTo(const HistoryLimits& limits, int64_t now) {
  return absl::ToUnixMicros(absl::FromUnixMicros(now) - limits.max_age);
}

}  // namespace qconfig
