// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_REVISION_RANGE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_REVISION_RANGE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/tenant_id.h"

namespace qconfig {

// No revision has a number between `after` and `next`. Both exist, or existed before they were compacted.
struct RevisionGap {
  int64_t after = 0;
  int64_t next = 0;
};

// The revisions of a tenant's registry that can be read. {1, 1, 2} for a tenant without writes in the first epoch.
// Within an epoch, numbers are consecutive. A new epoch begins when a backup is restored: its numbers are larger than
// all that were used before, so the number of a lost write is never reused.
struct RevisionRange {
  int64_t first = 1;
  int64_t newest = 1;
  int64_t next = 2;  // the number of the next write: newest + 1, or the epoch's first if that is larger
  // All gaps below `newest`, oldest first, at most one for each epoch. A gap is kept after the history before it is
  // compacted, so that a lost revision stays lost.
  std::vector<RevisionGap> gaps;
  absl::Time newest_time = absl::InfinitePast();  // of the newest write, in microseconds, if history has it
  int64_t disk_bytes = 0;  // of the tenant's entries and history; only in the result of RegistryStore::Commit()
};

// Arithmetic on revisions, which skips gaps. REQUIRES: the revisions can be read, and counts are not negative.
// The revision that is `writes` writes before `revision`, but at least the first.
int64_t RevisionBefore(const RevisionRange& range, int64_t revision, int64_t writes);
// The revision that is `writes` writes after `revision`, but at most the newest.
int64_t RevisionAfter(const RevisionRange& range, int64_t revision, int64_t writes);
// The number of writes from one revision to a later one.
int64_t WritesBetween(const RevisionRange& range, int64_t older, int64_t newer);

// Whether the write with this number is lost, or the number was skipped.
bool IsLost(const RevisionRange& range, int64_t revision);
// REVISION_LOST, for a revision that IsLost().
absl::Status RevisionLost(const TenantId& tenant, const RevisionRange& range, absl::string_view field,
                          int64_t revision);
// REVISION_COMPACTED, REVISION_LOST or REVISION_IN_FUTURE, for the field "revision", if it cannot be read.
absl::Status CheckReadable(const TenantId& tenant, const RevisionRange& range, int64_t revision);

// For engines. Sets `next` in the epoch whose first number is `epoch`; 0: the first epoch.
void SetNext(RevisionRange& range, int64_t epoch);
// Adds the revision `next`, whose HistoryTime() is `time`.
void AddRevision(RevisionRange& range, int64_t time);
// Whether the newest revision is that of the tenant's first write.
bool IsFirstWrite(const RevisionRange& range);

// The first number of an epoch that begins now: minutes since 2020-01-01 UTC times 1,000,000, but always more than
// `used`, even if the clock is wrong.
int64_t FirstOfEpoch(absl::Time now, int64_t used);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_REVISION_RANGE_H_
