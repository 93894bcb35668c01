// SPDX-License-Identifier: Apache-2.0
#include "core/resolve_config.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/algorithm_config.h"
#include "core/catalog_fit.h"
#include "core/error.h"
#include "core/missing_algo_config.h"
#include "core/projection_quantizer.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

// The objects to which the names in a spec refer.
struct Lookups {
  const v1::LlmTemplate* llm_template = nullptr;
  const v1::Scheme* scheme = nullptr;
  const v1::QTensorConfig* kv_cache = nullptr;   // null: not requested
  const v1::QTensorConfig* attention = nullptr;  // null: not requested
  std::map<std::string, v1::AlgoConfig>
      given_algorithms;                           // by lower-case name; a map, because moving it keeps pointers valid
  std::vector<const v1::AlgoConfig*> algorithms;  // of the template or of `given_algorithms`
  std::vector<const v1::Scheme*> layer_schemes;
  std::vector<const v1::Scheme*> layer_type_schemes;
};

template <typename Name>
std::vector<absl::string_view> Views(const std::vector<Name>& names) {
  return {names.begin(), names.end()};
}

absl::Status CompleteGivenAlgorithms(const Catalog& catalog, const v1::ConfigSpec& spec, Lookups& found) {
  for (int i = 0; i < spec.algo_configs_size(); ++i) {
    const v1::AlgoConfigEntry& entry = spec.algo_configs(i);
    const std::string name = absl::AsciiStrToLower(entry.algorithm());
    if (catalog.FindAlgorithm(name) == nullptr) continue;  // CheckAlgorithms() rejects it if the request uses it
    QCONFIG_ASSIGN_OR_RETURN(
        found.given_algorithms[name],
        CompleteAlgoConfig(catalog, entry.config(), absl::StrCat("spec.algo_configs[", i, "].config")));
  }
  return absl::OkStatus();
}

absl::Status CheckAlgorithms(const Snapshot& snapshot, const v1::ConfigSpec& spec) {
  const Catalog& catalog = snapshot.catalog();
  const auto catalog_of = [&snapshot](absl::string_view name) {
    const std::string lower_case = absl::AsciiStrToLower(name);
    return OtherCatalogWith(snapshot.catalogs(), snapshot.catalog(),
                            [&](const Catalog& other) { return other.FindAlgorithm(lower_case) != nullptr; });
  };
  for (int i = 0; i < spec.algorithm_size(); ++i) {
    if (catalog.FindAlgorithm(absl::AsciiStrToLower(spec.algorithm(i))) != nullptr) continue;
    const std::vector<absl::string_view> names = Views(catalog.algorithms());
    return Error(v1::ERROR_REASON_UNSUPPORTED_ALGORITHM)
        .Field(absl::StrCat("spec.algorithm[", i, "]"))
        .Value(spec.algorithm(i))
        .Suggest(NameKind::kAlgorithm, names, catalog_of)
        .Allowed(names)
        .Catalog(catalog.name())
        .ToStatus("this catalogue has no algorithm with this name");
  }
  return absl::OkStatus();
}

// Null if `name` is empty.
absl::StatusOr<const v1::QTensorConfig*> FindTensor(const Catalog& catalog,
                                                    const std::map<std::string, v1::QTensorConfig>& tensors,
                                                    const std::string& name, absl::string_view field,
                                                    v1::ErrorReason reason) {
  if (name.empty()) return nullptr;
  const auto it = tensors.find(name);
  if (it != tensors.end()) return &it->second;
  std::vector<absl::string_view> names;
  names.reserve(tensors.size());
  for (const auto& [known, unused] : tensors) names.push_back(known);
  return Error(reason)
      .Field(field)
      .Value(name)
      .Suggest(NameKind::kAttentionTensor, names)
      .Allowed(names)
      .Catalog(catalog.name())
      .ToStatus("this catalogue does not support a scheme with this name here");
}

absl::Status FindAlgorithmConfigs(const Snapshot& snapshot, const v1::ConfigSpec& spec, Lookups& found) {
  for (int i = 0; i < spec.algorithm_size(); ++i) {
    const std::string name = absl::AsciiStrToLower(spec.algorithm(i));
    const v1::AlgoConfig* config = nullptr;
    for (const v1::AlgoConfigEntry& entry : found.llm_template->algorithm_configs()) {
      if (entry.algorithm() == name) config = &entry.config();
    }
    const auto given = found.given_algorithms.find(name);
    if (given != found.given_algorithms.end()) config = &given->second;
    if (config == nullptr) {
      return AlgorithmConfigMissing(snapshot, *found.llm_template, spec.algorithm(i),
                                    absl::StrCat("spec.algorithm[", i, "]"));
    }
    found.algorithms.push_back(config);
  }
  return absl::OkStatus();
}

absl::StatusOr<const v1::Scheme*> FindFitting(const Snapshot& snapshot, absl::string_view name,
                                              absl::string_view field) {
  QCONFIG_ASSIGN_OR_RETURN(const v1::Scheme* scheme, snapshot.FindScheme(name, field));
  QCONFIG_RETURN_IF_ERROR(CheckFits(snapshot.catalog(), *scheme, field));
  return scheme;
}

// The schemes of overrides of either kind, in the order of `entries`.
template <typename Entries>
absl::StatusOr<std::vector<const v1::Scheme*>> FindSchemes(const Snapshot& snapshot, const Entries& entries,
                                                           absl::string_view list, CancellationToken& token) {
  constexpr size_t kStepsPerScheme = 10'000;  // most of them in CheckFits()
  std::vector<const v1::Scheme*> schemes;
  schemes.reserve(static_cast<size_t>(entries.size()));
  for (int i = 0; i < entries.size(); ++i) {
    QCONFIG_RETURN_IF_ERROR(token.Spend(kStepsPerScheme));
    QCONFIG_ASSIGN_OR_RETURN(const v1::Scheme* scheme,
                             FindFitting(snapshot, entries[i].scheme(), absl::StrCat(list, "[", i, "].scheme")));
    schemes.push_back(scheme);
  }
  return schemes;
}

absl::StatusOr<Lookups> LookUp(const Snapshot& snapshot, const v1::ConfigSpec& spec, CancellationToken& token) {
  const Catalog& catalog = snapshot.catalog();
  Lookups found;
  QCONFIG_RETURN_IF_ERROR(CompleteGivenAlgorithms(catalog, spec, found));
  QCONFIG_ASSIGN_OR_RETURN(found.llm_template, snapshot.FindTemplate(spec.model_type(), "spec.model_type"));
  QCONFIG_RETURN_IF_ERROR(CheckFits(catalog, *found.llm_template, "spec.model_type"));
  QCONFIG_ASSIGN_OR_RETURN(found.scheme, FindFitting(snapshot, spec.scheme(), "spec.scheme"));
  QCONFIG_RETURN_IF_ERROR(CheckAlgorithms(snapshot, spec));
  QCONFIG_ASSIGN_OR_RETURN(
      found.kv_cache, FindTensor(catalog, catalog.kv_cache_schemes(), spec.kv_cache_scheme(), "spec.kv_cache_scheme",
                                 v1::ERROR_REASON_UNSUPPORTED_KV_CACHE_SCHEME));
  QCONFIG_ASSIGN_OR_RETURN(found.attention,
                           FindTensor(catalog, catalog.attention_schemes(), spec.attention_scheme(),
                                      "spec.attention_scheme", v1::ERROR_REASON_UNSUPPORTED_ATTENTION_SCHEME));
  QCONFIG_RETURN_IF_ERROR(FindAlgorithmConfigs(snapshot, spec, found));
  QCONFIG_ASSIGN_OR_RETURN(found.layer_schemes, FindSchemes(snapshot, spec.layer_config(), "spec.layer_config", token));
  QCONFIG_ASSIGN_OR_RETURN(found.layer_type_schemes,
                           FindSchemes(snapshot, spec.layer_type_config(), "spec.layer_type_config", token));
  return found;
}

// Adds up the memory that the parts of an answer take. An answer may repeat a part, and an empty message takes only two
// bytes on the wire, so without a limit, a small request could take gigabytes. Measures each part once.
class MemoryBudget {
 public:
  MemoryBudget(absl::string_view parts, size_t max_bytes) : parts_(parts), max_bytes_(max_bytes) {}

  // ANSWER_TOO_LARGE, at `field`: with `part`, the sum exceeds the budget.
  absl::Status Add(const google::protobuf::Message& part, absl::string_view field) {
    const auto [size, is_new] = sizes_.try_emplace(&part, 0);
    if (is_new) size->second = part.SpaceUsedLong();
    bytes_ += size->second;
    if (bytes_ <= max_bytes_) return absl::OkStatus();
    return Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
        .Field(field)
        .Advice("Use fewer of them in one request")
        .ToStatus(absl::StrCat("with this entry, the configurations of the ", parts_, " exceed the limit of ",
                               max_bytes_, " bytes of memory"));
  }

 private:
  const absl::string_view parts_;
  const size_t max_bytes_;
  absl::flat_hash_map<const google::protobuf::Message*, size_t> sizes_;
  size_t bytes_ = 0;
};

absl::Status CheckMemory(const Lookups& found, const Limits& limits) {
  MemoryBudget algorithms("algorithms", limits.algorithm_bytes);
  for (size_t i = 0; i < found.algorithms.size(); ++i) {
    QCONFIG_RETURN_IF_ERROR(algorithms.Add(*found.algorithms[i], absl::StrCat("spec.algorithm[", i, "]")));
  }
  MemoryBudget layers("layers", limits.answer_bytes);
  const std::pair<absl::string_view, const std::vector<const v1::Scheme*>*> kLists[] = {
      {"spec.layer_config", &found.layer_schemes}, {"spec.layer_type_config", &found.layer_type_schemes}};
  for (const auto& [list, schemes] : kLists) {
    for (size_t i = 0; i < schemes->size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(layers.Add((*schemes)[i]->config(), absl::StrCat(list, "[", i, "].scheme")));
    }
  }
  return absl::OkStatus();
}

OverridesLikeGlobal LikeGlobal(const Lookups& found, const v1::ConfigSpec& spec) {
  OverridesLikeGlobal like_global;
  if (found.scheme->origin() != v1::REGISTRY_ORIGIN_TENANT) return like_global;
  for (const v1::Scheme* scheme : found.layer_schemes) like_global.layers.push_back(scheme == found.scheme);
  for (int i = 0; i < spec.layer_type_config_size(); ++i) {
    if (spec.layer_type_config(i).layer_type() != "Linear") continue;
    like_global.linear = found.layer_type_schemes[static_cast<size_t>(i)] == found.scheme;
  }
  return like_global;
}

void SetExclude(const CatalogTraits& traits, const google::protobuf::RepeatedPtrField<std::string>& patterns,
                v1::QConfig& config) {
  for (const std::string& pattern : patterns) {
    if (traits.exclude_patterns_expanded && !absl::EndsWith(pattern, ".*")) config.add_exclude(pattern + ".*");
    config.add_exclude(pattern);
  }
}

// The runtime merges q, k and v into one matrix, and gate and up into another.
void SetDefaultSharedScales(const v1::LlmTemplate& llm_template, v1::QConfig& config) {
  v1::SharedScaleGroup& attention = *config.add_shared_scale_groups();
  for (const char* suffix : {"q_proj", "k_proj", "v_proj"}) attention.add_layer_suffixes(suffix);
  v1::SharedScaleGroup& mlp = *config.add_shared_scale_groups();
  *mlp.mutable_layer_suffixes() = llm_template.gate_up_layers_name();
  if (mlp.layer_suffixes().empty()) {
    for (const char* suffix : {"gate_proj", "up_proj"}) mlp.add_layer_suffixes(suffix);
  }
  config.set_sync_moe_expert_input_amax(true);
}

void AddAlgorithms(const Catalog& catalog, const Lookups& found, v1::QConfig& config) {
  const bool fits = found.llm_template->origin() != v1::REGISTRY_ORIGIN_TENANT;
  for (const v1::AlgoConfig* algorithm : found.algorithms) {
    v1::AlgoConfig& added = *config.add_algo_config();
    added = *algorithm;
    if (!fits) FitAlgoConfig(catalog, added);
  }
}

absl::Status AddOverrides(const v1::ConfigSpec& spec, const Lookups& found, CancellationToken& token,
                          v1::QConfig& config) {
  constexpr size_t kStepsPerOverride = 1000;  // copying its configuration
  for (int i = 0; i < spec.layer_config_size(); ++i) {
    QCONFIG_RETURN_IF_ERROR(token.Spend(kStepsPerOverride));
    v1::LayerQuantConfigEntry& entry = *config.add_layer_quant_config();
    entry.set_pattern(spec.layer_config(i).pattern());
    *entry.mutable_config() = found.layer_schemes[static_cast<size_t>(i)]->config();
    entry.set_origin(v1::ENTRY_ORIGIN_REQUEST);
  }
  for (int i = 0; i < spec.layer_type_config_size(); ++i) {
    v1::LayerTypeQuantConfigEntry& entry = *config.add_layer_type_quant_config();
    entry.set_layer_type(spec.layer_type_config(i).layer_type());
    *entry.mutable_config() = found.layer_type_schemes[static_cast<size_t>(i)]->config();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::QConfig> ResolveConfig(const Snapshot& snapshot, const v1::ConfigSpec& spec, const Limits& limits,
                                          CancellationToken token) {
  QCONFIG_ASSIGN_OR_RETURN(const Lookups found, LookUp(snapshot, spec, token));
  const v1::LlmTemplate& llm_template = *found.llm_template;
  QCONFIG_RETURN_IF_ERROR(CheckMemory(found, limits));

  v1::QConfig config;
  *config.mutable_global_quant_config() = found.scheme->config();
  if (spec.has_shared_scale_groups()) {
    *config.mutable_shared_scale_groups() = spec.shared_scale_groups().groups();
  } else if (found.scheme->default_shared_scales()) {
    SetDefaultSharedScales(llm_template, config);
  }
  SetExclude(snapshot.catalog().traits(),
             spec.has_exclude_layers() ? spec.exclude_layers().patterns() : llm_template.exclude_layers_name(), config);
  *config.mutable_kv_cache_group() = llm_template.kv_layers_name();
  if (spec.min_kv_scale() != 0) config.set_min_kv_scale(spec.min_kv_scale());  // leaves -0 out
  AddAlgorithms(snapshot.catalog(), found, config);
  QCONFIG_RETURN_IF_ERROR(AddOverrides(spec, found, token, config));
  config.set_quant_mode(v1::QUANTIZATION_MODE_EAGER_MODE);
  config.set_keep_prequantized_layers(true);
  config.set_version(snapshot.catalog().quark_release());
  config.set_quant_method("quark");
  QCONFIG_RETURN_IF_ERROR(
      QuantizeProjections(llm_template, found.kv_cache, found.attention, LikeGlobal(found, spec), token, config));
  return config;
}

}  // namespace qconfig
