// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CATALOG_H_
#define QCONFIG_CORE_CATALOG_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/config_class.h"
#include "core/spec_class.h"
#include "core/tensor_vocabulary.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// The data files of one catalogue: those in core/catalog/<name>/.
struct CatalogFiles {
  absl::string_view catalog;  // written by hand, see "Adding a Quark release" in CONTRIBUTING.md
  absl::string_view schemes;  // recorded from Quark, see tests/golden/README.md
  absl::string_view templates;
  absl::string_view algorithms;
  absl::string_view vocabulary;
  absl::string_view spec_presets;
};

// Behaviours that not all Quark releases share, by their names in catalog.json.
struct CatalogTraits {
  // "exclude_patterns_expanded": an exclude pattern that does not end in ".*" becomes two patterns.
  bool exclude_patterns_expanded = false;
  // "tensor_json_has_zero_point_type": a tensor in Quark's JSON has the key zero_point_type.
  bool tensor_json_has_zero_point_type = false;
};

// The built-in schemes, templates and algorithm configurations of one Quark release.
// Immutable. Returned pointers and references are valid as long as the catalogue.
class Catalog {
 public:
  // kInvalidArgument, with file and path: the data is malformed or inconsistent.
  static absl::StatusOr<std::shared_ptr<const Catalog>> Load(const CatalogFiles& files);

  const std::string& name() const { return name_; }
  const std::string& quark_release() const { return quark_release_; }
  // The SHA-256 of the files, concatenated in the order of CatalogFiles.
  const std::string& digest() const { return digest_; }
  const CatalogTraits& traits() const { return traits_; }
  const std::vector<std::string>& trait_names() const { return trait_names_; }

  // In Quark's order of registration.
  const std::vector<v1::Scheme>& schemes() const { return schemes_; }
  const std::vector<v1::LlmTemplate>& templates() const { return templates_; }
  const std::vector<std::string>& algorithms() const { return algorithm_names_; }

  // Null if there is none.
  const v1::Scheme* FindScheme(absl::string_view name) const;
  const v1::LlmTemplate* FindTemplate(absl::string_view model_type) const;
  const ConfigClass* FindAlgorithm(absl::string_view lower_case_name) const;
  // The class that `type` stands for: that of an algorithm, or one nested in it. Null for other messages.
  const ConfigClass* FindConfigClass(const google::protobuf::Descriptor& type) const;

  const TensorVocabulary& tensor_vocabulary() const { return tensor_vocabulary_; }
  // All observer classes, in Quark's order.
  const std::vector<std::string>& observers() const;

  // The classes that build a tensor configuration, in Quark's order.
  const std::vector<SpecClass>& spec_classes() const { return spec_classes_; }
  // Null if there is none.
  const SpecClass* FindSpecClass(absl::string_view name) const;

  // The tensor configurations for the KV cache and for the softmax of attention, by the name of the scheme.
  const std::map<std::string, v1::QTensorConfig>& kv_cache_schemes() const { return kv_cache_schemes_; }
  const std::map<std::string, v1::QTensorConfig>& attention_schemes() const { return attention_schemes_; }

 private:
  friend class CatalogLoader;
  Catalog() = default;

  std::string name_;
  std::string quark_release_;
  std::string digest_;
  CatalogTraits traits_;
  std::vector<std::string> trait_names_;
  std::vector<v1::Scheme> schemes_;
  std::vector<v1::LlmTemplate> templates_;
  std::vector<std::string> algorithm_names_;
  absl::flat_hash_map<std::string, size_t> scheme_index_;
  absl::flat_hash_map<std::string, size_t> template_index_;
  absl::flat_hash_map<const google::protobuf::Descriptor*, ConfigClass> config_classes_;
  TensorVocabulary tensor_vocabulary_;
  std::vector<SpecClass> spec_classes_;
  std::map<std::string, v1::QTensorConfig> kv_cache_schemes_;
  std::map<std::string, v1::QTensorConfig> attention_schemes_;
};

// Ordered by Quark release, oldest first, unless a comment says otherwise.
using Catalogs = std::vector<std::shared_ptr<const Catalog>>;

// The name of the newest catalogue other than `own` that `has` accepts. Empty if there is none.
template <typename Has>
std::string OtherCatalogWith(const Catalogs& catalogs, const Catalog& own, Has has) {
  for (auto catalog = catalogs.rbegin(); catalog != catalogs.rend(); ++catalog) {
    if (catalog->get() != &own && has(**catalog)) return (*catalog)->name();
  }
  return "";
}

// CATALOG_NOT_FOUND for the field `catalog` of a request: `name` is not one of `catalogs`. `advice` may be empty.
absl::Status CatalogNotFound(absl::string_view name, const Catalogs& catalogs,
                             absl::string_view problem = "this server has no catalogue with this name",
                             absl::string_view advice = "");

}  // namespace qconfig

#endif  // QCONFIG_CORE_CATALOG_H_
