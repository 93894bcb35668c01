// SPDX-License-Identifier: Apache-2.0
#include "core/builtin_catalogs.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/embedded_files.h"

namespace qconfig {

std::vector<CatalogFiles> BuiltinCatalogFiles() {
  std::vector<CatalogFiles> catalogs;
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    absl::string_view folder = file.path;
    if (!absl::ConsumeSuffix(&folder, "/catalog.json")) continue;
    const auto find = [folder](absl::string_view name) { return FindEmbeddedFile(absl::StrCat(folder, name)); };
    catalogs.push_back({file.contents, find("/schemes.json"), find("/templates.json"), find("/algorithms.json"),
                        find("/vocabulary.json"), find("/spec_presets.json")});
  }
  return catalogs;
}

absl::StatusOr<Catalogs> LoadBuiltinCatalogs() {
  Catalogs catalogs;
  for (const CatalogFiles& files : BuiltinCatalogFiles()) {
    auto catalog = Catalog::Load(files);
    if (!catalog.ok()) return catalog.status();
    catalogs.push_back(*std::move(catalog));
  }
  return catalogs;
}

}  // namespace qconfig
