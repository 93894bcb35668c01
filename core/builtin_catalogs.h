// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_BUILTIN_CATALOGS_H_
#define QCONFIG_CORE_BUILTIN_CATALOGS_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"

namespace qconfig {

// The catalogue for requests without one, if the tenant has no default.
inline constexpr absl::string_view kDefaultCatalog = "quark-0.12.post1";

// The data files of every catalogue that is compiled in, oldest release first.
std::vector<CatalogFiles> BuiltinCatalogFiles();

// Loads every catalogue that is compiled in, oldest release first.
// kInvalidArgument: the data of a catalogue is invalid, which the tests rule out.
absl::StatusOr<Catalogs> LoadBuiltinCatalogs();

}  // namespace qconfig

#endif  // QCONFIG_CORE_BUILTIN_CATALOGS_H_
