// SPDX-License-Identifier: Apache-2.0
#include "core/builtin_catalogs.h"

#include <utility>

#include "core/embedded_catalogs.h"

namespace qconfig {

absl::StatusOr<std::vector<std::shared_ptr<const Catalog>>> LoadBuiltinCatalogs() {
  std::vector<std::shared_ptr<const Catalog>> catalogs;
  for (const CatalogFiles& files : EmbeddedCatalogs()) {
    auto catalog = Catalog::Load(files);
    if (!catalog.ok()) return catalog.status();
    catalogs.push_back(*std::move(catalog));
  }
  return catalogs;
}

}  // namespace qconfig
