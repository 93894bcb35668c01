// SPDX-License-Identifier: Apache-2.0
#include "server/catalog_snapshot_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

constexpr int64_t kOnlyRevision = 1;

absl::Status CheckRevision(int64_t revision, absl::string_view field, const TenantId& tenant) {
  if (revision <= kOnlyRevision) return absl::OkStatus();
  return Error(v1::ERROR_REASON_REVISION_IN_FUTURE)
      .Field(field)
      .Value(absl::StrCat(revision))
      .Allowed({"1"})
      .Tenant(tenant.name())
      .Because("the tenant's registry has not come to this revision");
}

}  // namespace

CatalogSnapshotSource::CatalogSnapshotSource(std::vector<std::shared_ptr<const Catalog>> catalogs,
                                             std::string default_catalog)
    : catalogs_(std::move(catalogs)), default_catalog_(std::move(default_catalog)) {
  for (const auto& catalog : catalogs_) snapshots_.push_back(std::make_shared<Snapshot>(catalog, kOnlyRevision));
}

absl::string_view CatalogSnapshotSource::DefaultCatalog(const TenantId&) const { return default_catalog_; }

absl::StatusOr<std::shared_ptr<const Snapshot>> CatalogSnapshotSource::Get(const SnapshotQuery& query) const {
  const absl::string_view wanted = query.catalog.empty() ? DefaultCatalog(query.tenant) : query.catalog;
  std::vector<absl::string_view> names;
  for (const auto& snapshot : snapshots_) {
    names.push_back(snapshot->catalog().name());
    if (names.back() != wanted) continue;
    absl::Status status = CheckRevision(query.revision, "revision", query.tenant);
    if (status.ok()) status = CheckRevision(query.min_revision, "min_revision", query.tenant);
    if (!status.ok()) return status;
    return snapshot;
  }
  return Error(v1::ERROR_REASON_CATALOG_NOT_FOUND)
      .Field("catalog")
      .Value(wanted)
      .NearestOf(names)
      .Allowed(names)
      .Because("this server has no catalogue of this name");
}

}  // namespace qconfig
