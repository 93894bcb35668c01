// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SNAPSHOT_SOURCE_H_
#define QCONFIG_SERVER_SNAPSHOT_SOURCE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/catalog.h"
#include "core/snapshot.h"
#include "core/tenant_id.h"

namespace qconfig {

// Which snapshot a call asks for.
struct SnapshotQuery {
  TenantId tenant;
  absl::string_view catalog;  // empty: the tenant's default. Must live as long as the query
  int64_t revision = 0;       // 0: the newest
  int64_t min_revision = 0;   // wait until the tenant's registry is there; 0: do not wait
  absl::Time deadline;        // how long to wait for `min_revision`
};

// Where calls get from what a tenant sees. Thread-safe.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;

  // CATALOG_NOT_FOUND: no catalogue of that name. REVISION_IN_FUTURE: the registry has not come to `revision`, or did
  // not come to `min_revision` in time. A tenant that was never written to has revision 1 and is not an error.
  virtual absl::StatusOr<std::shared_ptr<const Snapshot>> Get(const SnapshotQuery& query) const = 0;

  // Every catalogue, oldest release first. The same for the life of the source.
  virtual const std::vector<std::shared_ptr<const Catalog>>& catalogs() const = 0;

  // The catalogue that an empty name stands for.
  virtual absl::string_view DefaultCatalog(const TenantId& tenant) const = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SNAPSHOT_SOURCE_H_
