// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_CATALOG_SNAPSHOT_SOURCE_H_
#define QCONFIG_SERVER_CATALOG_SNAPSHOT_SOURCE_H_

#include <string>
#include <vector>

#include "server/snapshot_source.h"

namespace qconfig {

// Every tenant sees the catalogues and nothing else, at revision 1 for ever. Immutable.
class CatalogSnapshotSource : public SnapshotSource {
 public:
  // REQUIRES: `default_catalog` is the name of one of `catalogs`.
  CatalogSnapshotSource(std::vector<std::shared_ptr<const Catalog>> catalogs, std::string default_catalog);

  absl::StatusOr<std::shared_ptr<const Snapshot>> Get(const SnapshotQuery& query) const override;
  const std::vector<std::shared_ptr<const Catalog>>& catalogs() const override { return catalogs_; }
  absl::string_view DefaultCatalog(const TenantId& tenant) const override;

 private:
  std::vector<std::shared_ptr<const Catalog>> catalogs_;
  std::vector<std::shared_ptr<const Snapshot>> snapshots_;  // one for each of `catalogs_`
  std::string default_catalog_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_CATALOG_SNAPSHOT_SOURCE_H_
