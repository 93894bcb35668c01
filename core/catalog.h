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
#include "core/spec_class.h"
#include "core/tensor_vocabulary.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// The data files of one catalogue, as they stand in core/catalog/<name>/.
struct CatalogFiles {
  absl::string_view catalog;  // qconfig's own, see CONTRIBUTING.md
  absl::string_view schemes;  // the others are what Quark answers, see tests/golden/README.md
  absl::string_view templates;
  absl::string_view algorithms;
  absl::string_view vocabulary;
  absl::string_view spec_presets;
};

// What a Quark release does differently from others, by the names in catalog.json.
struct CatalogTraits {
  // "exclude_patterns_expanded": an exclude pattern that does not end in ".*" stands for two.
  bool exclude_patterns_expanded = false;
  // "tensor_json_has_zero_point_type": Quark's JSON of a tensor has that key.
  bool tensor_json_has_zero_point_type = false;
};

// The defaults that Quark's constructor of an algorithm configuration fills in.
struct AlgorithmDefaults {
  v1::AlgoConfig config;
  std::vector<std::string> required;  // fields that have none
};

// The built-in schemes, templates and algorithm configurations of one Quark release.
// Immutable. Pointers and views that it hands out live as long as it does.
class Catalog {
 public:
  // kInvalidArgument, with file and path, when the data is not what Quark writes or does not fit together.
  static absl::StatusOr<std::shared_ptr<const Catalog>> Load(const CatalogFiles& files);

  const std::string& name() const { return name_; }
  const std::string& quark_release() const { return quark_release_; }
  // The SHA-256 of the files' bytes one after the other, in the order of CatalogFiles.
  const std::string& digest() const { return digest_; }
  const CatalogTraits& traits() const { return traits_; }
  const std::vector<std::string>& trait_names() const { return trait_names_; }

  // In Quark's order of registration.
  const std::vector<v1::Scheme>& schemes() const { return schemes_; }
  const std::vector<v1::LlmTemplate>& templates() const { return templates_; }
  const std::vector<std::string>& algorithms() const { return algorithm_names_; }

  // Null when there is none.
  const v1::Scheme* FindScheme(absl::string_view name) const;
  const v1::LlmTemplate* FindTemplate(absl::string_view model_type) const;
  const AlgorithmDefaults* FindAlgorithm(absl::string_view lower_case_name) const;

  const v1::OnlineRotationConfig& online_rotation_defaults() const { return online_rotation_defaults_; }

  const TensorVocabulary& tensor_vocabulary() const { return tensor_vocabulary_; }
  // All observer classes, in Quark's order.
  const std::vector<std::string>& observers() const;

  // The classes that stand for a tensor's configuration, in Quark's order.
  const std::vector<SpecClass>& spec_classes() const { return spec_classes_; }
  // Null when there is none.
  const SpecClass* FindSpecClass(absl::string_view name) const;

  // How the KV cache and the softmax of attention are quantized, by the name of the scheme.
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
  absl::flat_hash_map<std::string, AlgorithmDefaults> algorithms_;
  v1::OnlineRotationConfig online_rotation_defaults_;
  TensorVocabulary tensor_vocabulary_;
  std::vector<SpecClass> spec_classes_;
  std::map<std::string, v1::QTensorConfig> kv_cache_schemes_;
  std::map<std::string, v1::QTensorConfig> attention_schemes_;
};

// CATALOG_NOT_FOUND for the request's field `catalog`: none of `catalogs` has this name. `advice` may be empty.
absl::Status CatalogNotFound(absl::string_view name, const std::vector<std::shared_ptr<const Catalog>>& catalogs,
                             absl::string_view problem = "this server has no catalogue of this name",
                             absl::string_view advice = "");

}  // namespace qconfig

#endif  // QCONFIG_CORE_CATALOG_H_
