// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/revision_range.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "core/error.h"

namespace qconfig {
namespace {

int64_t SizeOf(const RevisionGap& gap) { return gap.next - gap.after - 1; }

// The number of writes from the first revision to this one.
int64_t IndexOf(const RevisionRange& range, int64_t revision) {
  int64_t index = revision - range.first;
  for (const RevisionGap& gap : range.gaps) {
    if (gap.after >= range.first && gap.next <= revision) index -= SizeOf(gap);
  }
  return index;
}

int64_t RevisionAt(const RevisionRange& range, int64_t index) {
  int64_t revision = range.first + index;
  for (const RevisionGap& gap : range.gaps) {
    if (gap.after >= range.first && gap.after < revision) revision += SizeOf(gap);
  }
  return revision;
}

}  // namespace

int64_t RevisionBefore(const RevisionRange& range, int64_t revision, int64_t writes) {
  return RevisionAt(range, std::max<int64_t>(0, IndexOf(range, revision) - writes));
}

int64_t RevisionAfter(const RevisionRange& range, int64_t revision, int64_t writes) {
  const int64_t index = IndexOf(range, revision);
  return RevisionAt(range, index + std::min(writes, IndexOf(range, range.newest) - index));
}

int64_t WritesBetween(const RevisionRange& range, int64_t older, int64_t newer) {
  return IndexOf(range, newer) - IndexOf(range, older);
}

bool IsLost(const RevisionRange& range, int64_t revision) {
  if (revision > range.newest) return revision < range.next;
  return std::any_of(range.gaps.begin(), range.gaps.end(),
                     [revision](const RevisionGap& gap) { return gap.after < revision && revision < gap.next; });
}

absl::Status RevisionLost(const TenantId& tenant, const RevisionRange& range, absl::string_view field,
                          int64_t revision) {
  return Error(v1::ERROR_REASON_REVISION_LOST)
      .Field(field)
      .Value(absl::StrCat(revision))
      .Tenant(tenant.name())
      .Revisions(range.first, range.newest)
      .ToStatus(absl::StrCat(
          "the registry was restored from a backup that does not have this revision; the newest revision is ",
          range.newest, "; list the entries again"));
}

absl::Status CheckReadable(const TenantId& tenant, const RevisionRange& range, int64_t revision) {
  if (IsLost(range, revision)) return RevisionLost(tenant, range, "revision", revision);
  const bool compacted = revision < range.first;
  if (!compacted && revision <= range.newest) return absl::OkStatus();
  return Error(compacted ? v1::ERROR_REASON_REVISION_COMPACTED : v1::ERROR_REASON_REVISION_IN_FUTURE)
      .Field("revision")
      .Value(absl::StrCat(revision))
      .Tenant(tenant.name())
      .Revisions(range.first, range.newest)
      .Advice(absl::StrCat("Revisions ", range.first, " to ", range.newest, " can be read"))
      .ToStatus(compacted ? "this revision is no longer in the history of the tenant's registry"
                          : "the tenant's registry has not reached this revision");
}

void SetNext(RevisionRange& range, int64_t epoch) { range.next = std::max(range.newest + 1, epoch); }

void AddRevision(RevisionRange& range, int64_t time) {
  if (range.next > range.newest + 1) range.gaps.push_back({range.newest, range.next});
  range.newest = range.next;
  range.next = range.newest + 1;
  range.newest_time = absl::FromUnixMicros(time);
}

bool IsFirstWrite(const RevisionRange& range) {
  if (range.gaps.empty()) return range.newest == 2;
  return range.gaps.front().after == 1 && range.gaps.front().next == range.newest;
}

int64_t FirstOfEpoch(absl::Time now, int64_t used) {
  constexpr int64_t kPerMinute = 1'000'000;
  const absl::Time start = absl::FromCivil(absl::CivilDay(2020, 1, 1), absl::UTCTimeZone());
  return std::max((now - start) / absl::Minutes(1), used / kPerMinute + 1) * kPerMinute;
}

}  // namespace qconfig
