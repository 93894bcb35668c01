// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_ROWS_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/registry/storage/revision_range.h"
#include "server/registry/storage/sqlite_connection.h"

namespace qconfig {

// The rows of a registry's file and their checksums. A row's checksum covers the name of its tenant and all columns
// except `entries.until`. Whether rows are missing, and which entries each state has, is checked by the sum of the
// checksums of a state's entries: rows of `changes` have that of the state after the change, and rows of `tenants`
// those of the first and the newest readable state. Thread-safe if each connection is used by one thread.

enum EntryKind : int64_t { kSchemeEntry = 1, kTemplateEntry = 2, kDefaultCatalogEntry = 3 };

struct MetaRow {
  int64_t epoch = 0;         // its first revision number; 0: the first epoch
  int64_t is_backup = 0;     // 1: opening the file begins an epoch
  int64_t tenant_count = 0;  // rows of `tenants`
};

struct TenantRow {
  int64_t id = 0;
  int64_t revision = 1;        // the newest
  int64_t first_revision = 1;  // the first that can be read
  int64_t commits = 0;
  std::string gaps;
  int64_t next_position = 0;  // larger than those of all entries
  int64_t state = 0;          // of `revision`
  int64_t first_state = 0;    // of `first_revision`
};

// A row of `entries`. The texts belong to the query.
struct EntryRow {
  int64_t kind = 0;
  absl::string_view name;
  int64_t position = 0;
  int64_t since = 0;
  absl::string_view value;
};

// A row of `changes`. The texts belong to the query.
struct ChangeRow {
  int64_t revision = 0;
  int64_t time = 0;
  absl::string_view request_id;
  absl::string_view request_digest;
  absl::string_view value;
  int64_t state = 0;  // after the change
};

int64_t ChecksumOfMeta(const MetaRow& row);
int64_t ChecksumOfTenant(absl::string_view name, const TenantRow& row);
int64_t ChecksumOfEntry(absl::string_view tenant, const EntryRow& row);
int64_t ChecksumOfChange(absl::string_view tenant, const ChangeRow& row);

// "scheme s since revision 5", for messages.
std::string DescribedEntry(const EntryRow& row);

// These read the current row of a query from its column `first` on, where the columns are in the order of the struct
// and the checksum is the last. A wrong checksum is StorageDamaged().
absl::StatusOr<MetaRow> ReadMetaRow(const SqliteQuery& query, int first);
absl::StatusOr<TenantRow> ReadTenantRow(const SqliteQuery& query, int first, absl::string_view name);
absl::StatusOr<EntryRow> ReadEntryRow(const SqliteQuery& query, int first, absl::string_view tenant);
absl::StatusOr<ChangeRow> ReadChangeRow(const SqliteQuery& query, int first, absl::string_view tenant);

// "5:3630000000000 " for each gap: the contents of `tenants.gaps`.
std::string GapsToText(const std::vector<RevisionGap>& gaps);
// The revisions of a tenant in the first epoch. StorageDamaged(): the gaps cannot be read.
absl::StatusOr<RevisionRange> RangeOf(const TenantRow& row);

absl::StatusOr<MetaRow> ReadMeta(SqliteConnection& connection);

// These replace the row, with its checksum.
absl::Status WriteMeta(SqliteConnection& connection, const MetaRow& row);
absl::Status WriteTenant(SqliteConnection& connection, absl::string_view name, const TenantRow& row);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_ROWS_H_
