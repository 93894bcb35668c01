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
#include "core/projection_quantizer.h"

namespace qconfig {
namespace {

// Everything that a spec names, looked up.
struct Lookups {
  const v1::LlmTemplate* llm_template = nullptr;
  const v1::Scheme* scheme = nullptr;
  const v1::QTensorConfig* kv_cache = nullptr;             // null: not asked for
  const v1::QTensorConfig* attention = nullptr;            // null: not asked for
  std::map<std::string, v1::AlgoConfig> given_algorithms;  // by lower-case name; stays where it is when moved
  std::vector<const v1::AlgoConfig*> algorithms;           // of the template or of `given_algorithms`
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
    if (catalog.FindAlgorithm(name) == nullptr) continue;  // refused below when it is asked for, else ignored
    auto config = CompleteAlgoConfig(catalog, entry.config(), absl::StrCat("spec.algo_configs[", i, "].config"));
    if (!config.ok()) return config.status();
    found.given_algorithms[name] = *std::move(config);
  }
  return absl::OkStatus();
}

absl::Status CheckAlgorithms(const Catalog& catalog, const v1::ConfigSpec& spec) {
  for (int i = 0; i < spec.algorithm_size(); ++i) {
    if (catalog.FindAlgorithm(absl::AsciiStrToLower(spec.algorithm(i))) != nullptr) continue;
    const std::vector<absl::string_view> names = Views(catalog.algorithms());
    return Error(v1::ERROR_REASON_UNSUPPORTED_ALGORITHM)
        .Field(absl::StrCat("spec.algorithm[", i, "]"))
        .Value(spec.algorithm(i))
        .NearestOf(names)
        .Allowed(names)
        .Catalog(catalog.name())
        .ToStatus("no algorithm has this name");
  }
  return absl::OkStatus();
}

// Null when `name` is empty, which is not asking.
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
      .NearestOf(names)
      .Allowed(names)
      .Catalog(catalog.name())
      .ToStatus("no scheme of this name can be used here");
}

absl::Status FindAlgorithmConfigs(const v1::ConfigSpec& spec, Lookups& found) {
  for (int i = 0; i < spec.algorithm_size(); ++i) {
    const std::string name = absl::AsciiStrToLower(spec.algorithm(i));
    const v1::AlgoConfig* config = nullptr;
    std::vector<absl::string_view> known;
    for (const v1::AlgoConfigEntry& entry : found.llm_template->algorithm_configs()) {
      known.push_back(entry.algorithm());
      if (entry.algorithm() == name) config = &entry.config();
    }
    const auto given = found.given_algorithms.find(name);
    if (given != found.given_algorithms.end()) config = &given->second;
    if (config == nullptr) {
      Error error(v1::ERROR_REASON_ALGORITHM_CONFIG_MISSING);
      error.Field(absl::StrCat("spec.algorithm[", i, "]")).Value(spec.algorithm(i));
      if (!known.empty()) error.Allowed(known);
      return error.ToStatus(absl::StrCat("the template ", found.llm_template->model_type(),
                                         " has no configuration for this algorithm, and algo_configs gives none"));
    }
    found.algorithms.push_back(config);
  }
  return absl::OkStatus();
}

absl::StatusOr<const v1::Scheme*> FindFitting(const Snapshot& snapshot, absl::string_view name,
                                              absl::string_view field) {
  const auto scheme = snapshot.FindScheme(name, field);
  if (!scheme.ok()) return scheme.status();
  const absl::Status fits = CheckFits(snapshot.catalog(), **scheme, field);
  if (!fits.ok()) return fits;
  return *scheme;
}

// `entries` are overrides of either kind; the schemes they name come in the same order.
template <typename Entries>
absl::Status FindSchemes(const Snapshot& snapshot, const Entries& entries, absl::string_view list,
                         std::vector<const v1::Scheme*>& schemes) {
  for (int i = 0; i < entries.size(); ++i) {
    const auto scheme = FindFitting(snapshot, entries[i].scheme(), absl::StrCat(list, "[", i, "].scheme"));
    if (!scheme.ok()) return scheme.status();
    schemes.push_back(*scheme);
  }
  return absl::OkStatus();
}

absl::StatusOr<Lookups> LookUp(const Snapshot& snapshot, const v1::ConfigSpec& spec) {
  const Catalog& catalog = snapshot.catalog();
  Lookups found;
  absl::Status status = CompleteGivenAlgorithms(catalog, spec, found);
  if (!status.ok()) return status;
  const auto llm_template = snapshot.FindTemplate(spec.model_type(), "spec.model_type");
  if (!llm_template.ok()) return llm_template.status();
  found.llm_template = *llm_template;
  status = CheckFits(catalog, **llm_template, "spec.model_type");
  if (!status.ok()) return status;
  const auto scheme = FindFitting(snapshot, spec.scheme(), "spec.scheme");
  if (!scheme.ok()) return scheme.status();
  found.scheme = *scheme;
  status = CheckAlgorithms(catalog, spec);
  if (!status.ok()) return status;
  const auto kv_cache = FindTensor(catalog, catalog.kv_cache_schemes(), spec.kv_cache_scheme(), "spec.kv_cache_scheme",
                                   v1::ERROR_REASON_UNSUPPORTED_KV_CACHE_SCHEME);
  if (!kv_cache.ok()) return kv_cache.status();
  found.kv_cache = *kv_cache;
  const auto attention = FindTensor(catalog, catalog.attention_schemes(), spec.attention_scheme(),
                                    "spec.attention_scheme", v1::ERROR_REASON_UNSUPPORTED_ATTENTION_SCHEME);
  if (!attention.ok()) return attention.status();
  found.attention = *attention;
  status = FindAlgorithmConfigs(spec, found);
  if (!status.ok()) return status;
  status = FindSchemes(snapshot, spec.layer_config(), "spec.layer_config", found.layer_schemes);
  if (!status.ok()) return status;
  status = FindSchemes(snapshot, spec.layer_type_config(), "spec.layer_type_config", found.layer_type_schemes);
  if (!status.ok()) return status;
  return found;
}

// Adds up what the parts of an answer take in memory. A part may come many times, and an empty message takes but two
// bytes on the wire, so without a limit a small request could ask for gigabytes. Sizes are looked up once for each
// part.
class MemoryBudget {
 public:
  MemoryBudget(absl::string_view parts, size_t max_bytes) : parts_(parts), max_bytes_(max_bytes) {}

  // ANSWER_TOO_LARGE, at `field`, when with this `part` they pass the budget.
  absl::Status Add(const google::protobuf::Message& part, absl::string_view field) {
    const auto [size, is_new] = sizes_.try_emplace(&part, 0);
    if (is_new) size->second = part.SpaceUsedLong();
    bytes_ += size->second;
    if (bytes_ <= max_bytes_) return absl::OkStatus();
    return Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
        .Field(field)
        .ToStatus(absl::StrCat("with this one the ", parts_, " would take more than ", max_bytes_, " bytes of memory"));
  }

 private:
  const absl::string_view parts_;
  const size_t max_bytes_;
  absl::flat_hash_map<const google::protobuf::Message*, size_t> sizes_;
  size_t bytes_ = 0;
};

absl::Status CheckMemory(const Lookups& found, const Limits& limits) {
  MemoryBudget algorithms("algorithms' configurations", limits.algorithm_bytes);
  for (size_t i = 0; i < found.algorithms.size(); ++i) {
    const absl::Status status = algorithms.Add(*found.algorithms[i], absl::StrCat("spec.algorithm[", i, "]"));
    if (!status.ok()) return status;
  }
  MemoryBudget layers("layers' configurations", limits.answer_bytes);
  const std::pair<absl::string_view, const std::vector<const v1::Scheme*>*> kLists[] = {
      {"spec.layer_config", &found.layer_schemes}, {"spec.layer_type_config", &found.layer_type_schemes}};
  for (const auto& [list, schemes] : kLists) {
    for (size_t i = 0; i < schemes->size(); ++i) {
      const absl::Status status = layers.Add((*schemes)[i]->config(), absl::StrCat(list, "[", i, "].scheme"));
      if (!status.ok()) return status;
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

// q, k and v run as one matrix, and so do gate and up.
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

}  // namespace

absl::StatusOr<v1::QConfig> ResolveConfig(const Snapshot& snapshot, const v1::ConfigSpec& spec, const Limits& limits) {
  const auto found = LookUp(snapshot, spec);
  if (!found.ok()) return found.status();
  const v1::LlmTemplate& llm_template = *found->llm_template;
  const absl::Status memory = CheckMemory(*found, limits);
  if (!memory.ok()) return memory;

  v1::QConfig config;
  *config.mutable_global_quant_config() = found->scheme->config();
  if (spec.has_shared_scale_groups()) {
    *config.mutable_shared_scale_groups() = spec.shared_scale_groups().groups();
  } else if (found->scheme->default_shared_scales()) {
    SetDefaultSharedScales(llm_template, config);
  }
  SetExclude(snapshot.catalog().traits(),
             spec.has_exclude_layers() ? spec.exclude_layers().patterns() : llm_template.exclude_layers_name(), config);
  *config.mutable_kv_cache_group() = llm_template.kv_layers_name();
  if (spec.min_kv_scale() != 0) config.set_min_kv_scale(spec.min_kv_scale());  // -0 is 0
  for (const v1::AlgoConfig* algorithm : found->algorithms) {
    *config.add_algo_config() = *algorithm;
    FitAlgoConfig(snapshot.catalog(), *config.mutable_algo_config()->rbegin());
  }
  for (int i = 0; i < spec.layer_config_size(); ++i) {
    v1::LayerQuantConfigEntry& entry = *config.add_layer_quant_config();
    entry.set_pattern(spec.layer_config(i).pattern());
    *entry.mutable_config() = found->layer_schemes[static_cast<size_t>(i)]->config();
    entry.set_origin(v1::ENTRY_ORIGIN_REQUEST);
  }
  for (int i = 0; i < spec.layer_type_config_size(); ++i) {
    v1::LayerTypeQuantConfigEntry& entry = *config.add_layer_type_quant_config();
    entry.set_layer_type(spec.layer_type_config(i).layer_type());
    *entry.mutable_config() = found->layer_type_schemes[static_cast<size_t>(i)]->config();
  }
  config.set_quant_mode(v1::QUANTIZATION_MODE_EAGER_MODE);
  config.set_keep_prequantized_layers(true);
  config.set_version(snapshot.catalog().quark_release());
  config.set_quant_method("quark");

  const absl::Status quantized =
      QuantizeProjections(llm_template, found->kv_cache, found->attention, LikeGlobal(*found, spec), config);
  if (!quantized.ok()) return quantized;
  return config;
}

}  // namespace qconfig
