// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_REGISTRY_STATE_H_
#define QCONFIG_CORE_REGISTRY_STATE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// The entries of one tenant at one revision. Shares them with the states before and after it.
// Immutable. Returned pointers are valid as long as the state.
class RegistryState {
 public:
  using Schemes = std::vector<std::shared_ptr<const v1::Scheme>>;
  using Templates = std::vector<std::shared_ptr<const v1::LlmTemplate>>;

  // The state before the first write of a tenant: revision 1, no entries, no default catalogue.
  RegistryState() = default;
  // REQUIRES: names and model types are unique.
  RegistryState(int64_t revision, std::string default_catalog, Schemes schemes, Templates templates);

  int64_t revision() const { return revision_; }
  // The catalogue of requests without one. Empty: the server's default.
  const std::string& default_catalog() const { return default_catalog_; }
  // In order of registration. A replaced entry keeps its position.
  const Schemes& schemes() const { return schemes_; }
  const Templates& templates() const { return templates_; }
  // The size of all entries on the wire, and in memory, which can be many times as large.
  size_t bytes() const { return size_.bytes; }
  size_t memory_bytes() const { return size_.memory_bytes; }

  // Null if there is none.
  const v1::Scheme* FindScheme(absl::string_view name) const;
  const v1::LlmTemplate* FindTemplate(absl::string_view model_type) const;

  // The state after `record`.
  // REQUIRES: `record` has the next revision, and this state has the entries that it deletes.
  RegistryState After(const v1::ChangeRecord& record) const;

 private:
  int64_t revision_ = 1;
  std::string default_catalog_;
  Schemes schemes_;
  Templates templates_;
  absl::flat_hash_map<absl::string_view, size_t> scheme_index_;  // views into the entries
  absl::flat_hash_map<absl::string_view, size_t> template_index_;
  struct Size {
    size_t bytes = 0;
    size_t memory_bytes = 0;
  };
  Size size_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_REGISTRY_STATE_H_
