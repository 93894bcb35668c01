// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_BUILTIN_CATALOGS_H_
#define QCONFIG_CORE_BUILTIN_CATALOGS_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"

namespace qconfig {

// The catalogue that is used when neither the request nor the tenant names one.
inline constexpr absl::string_view kDefaultCatalog = "quark-0.12.post1";

// Loads every catalogue that is compiled in, oldest release first.
// kInvalidArgument when the data of one is broken, which a test of the build rules out.
absl::StatusOr<std::vector<std::shared_ptr<const Catalog>>> LoadBuiltinCatalogs();

}  // namespace qconfig

#endif  // QCONFIG_CORE_BUILTIN_CATALOGS_H_
