// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_EMBEDDED_CATALOGS_H_
#define QCONFIG_CORE_EMBEDDED_CATALOGS_H_

#include <vector>

#include "core/catalog.h"

namespace qconfig {

// The files under core/catalog/, oldest release first. Generated at build time by core/catalog/embed.cmake.
std::vector<CatalogFiles> EmbeddedCatalogs();

}  // namespace qconfig

#endif  // QCONFIG_CORE_EMBEDDED_CATALOGS_H_
