// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SNAPSHOT_H_
#define QCONFIG_CORE_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/catalog.h"

namespace qconfig {

// What one tenant sees at one revision of its registry, through one catalogue.
// Immutable. Pointers that it hands out live as long as it does.
class Snapshot {
 public:
  Snapshot(std::shared_ptr<const qconfig::Catalog> catalog, int64_t revision)
      : catalog_(std::move(catalog)), revision_(revision) {}

  const qconfig::Catalog& catalog() const { return *catalog_; }
  int64_t revision() const { return revision_; }

  // In order of registration.
  const std::vector<v1::Scheme>& schemes() const { return catalog_->schemes(); }
  const std::vector<v1::LlmTemplate>& templates() const { return catalog_->templates(); }

  // SCHEME_NOT_FOUND and TEMPLATE_NOT_FOUND name the nearest ones. `field` is where the name stands in the request.
  absl::StatusOr<const v1::Scheme*> FindScheme(absl::string_view name, absl::string_view field) const;
  absl::StatusOr<const v1::LlmTemplate*> FindTemplate(absl::string_view model_type, absl::string_view field) const;

 private:
  std::shared_ptr<const qconfig::Catalog> catalog_;
  int64_t revision_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_SNAPSHOT_H_
