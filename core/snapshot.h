// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SNAPSHOT_H_
#define QCONFIG_CORE_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"
#include "core/registry_state.h"

namespace qconfig {

// The schemes and templates of one tenant at one revision of its registry, together with those of one catalogue. A
// tenant's entry hides the built-in entry with the same name. Immutable. Returned pointers are valid as long as the
// snapshot.
class Snapshot {
 public:
  // `catalogs` are those of the server, oldest release first. Only errors depend on them: they say which other
  // catalogue has an unknown name.
  explicit Snapshot(std::shared_ptr<const qconfig::Catalog> catalog,
                    std::shared_ptr<const RegistryState> registry = std::make_shared<const RegistryState>(),
                    Catalogs catalogs = {});

  const qconfig::Catalog& catalog() const { return *catalog_; }
  const RegistryState& registry() const { return *registry_; }
  const Catalogs& catalogs() const { return catalogs_; }
  int64_t revision() const { return registry_->revision(); }

  // In order of registration: the catalogue's, then the tenant's. An entry that hides another takes its position.
  const std::vector<const v1::Scheme*>& schemes() const { return schemes_; }
  const std::vector<const v1::LlmTemplate*>& templates() const { return templates_; }

  // SCHEME_NOT_FOUND and TEMPLATE_NOT_FOUND suggest what the name probably means. `field` is the path of the name in
  // the request.
  absl::StatusOr<const v1::Scheme*> FindScheme(absl::string_view name, absl::string_view field) const;
  absl::StatusOr<const v1::LlmTemplate*> FindTemplate(absl::string_view model_type, absl::string_view field) const;

 private:
  std::shared_ptr<const qconfig::Catalog> catalog_;
  std::shared_ptr<const RegistryState> registry_;
  Catalogs catalogs_;
  std::vector<const v1::Scheme*> schemes_;
  std::vector<const v1::LlmTemplate*> templates_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_SNAPSHOT_H_
