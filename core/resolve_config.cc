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
#include "core/pattern.h"
#include "core/projection.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// Everything that a request names, looked up.
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

absl::Status CompleteGivenAlgorithms(const Catalog& catalog, const v1::GetConfigRequest& request, Lookups& found) {
  for (int i = 0; i < request.algo_configs_size(); ++i) {
    const v1::AlgoConfigEntry& entry = request.algo_configs(i);
    const std::string name = absl::AsciiStrToLower(entry.algorithm());
    if (catalog.FindAlgorithm(name) == nullptr) continue;  // refused below when it is asked for, else ignored
    auto config = CompleteAlgoConfig(catalog, entry.config(), absl::StrCat("algo_configs[", i, "].config"));
    if (!config.ok()) return config.status();
    found.given_algorithms[name] = *std::move(config);
  }
  return absl::OkStatus();
}

absl::Status CheckAlgorithms(const Catalog& catalog, const v1::GetConfigRequest& request) {
  for (int i = 0; i < request.algorithm_size(); ++i) {
    if (catalog.FindAlgorithm(absl::AsciiStrToLower(request.algorithm(i))) != nullptr) continue;
    const std::vector<absl::string_view> names = Views(catalog.algorithms());
    return Error(v1::ERROR_REASON_UNSUPPORTED_ALGORITHM)
        .Field(absl::StrCat("algorithm[", i, "]"))
        .Value(request.algorithm(i))
        .NearestOf(names)
        .Allowed(names)
        .Catalog(catalog.name())
        .Because("no algorithm has this name");
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
      .Because("no scheme of this name can be used here");
}

absl::Status FindAlgorithmConfigs(const v1::GetConfigRequest& request, Lookups& found) {
  for (int i = 0; i < request.algorithm_size(); ++i) {
    const std::string name = absl::AsciiStrToLower(request.algorithm(i));
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
      error.Field(absl::StrCat("algorithm[", i, "]")).Value(request.algorithm(i));
      if (!known.empty()) error.Allowed(known);
      return error.Because(absl::StrCat("the template ", found.llm_template->model_type(),
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

absl::StatusOr<Lookups> LookUp(const Snapshot& snapshot, const v1::GetConfigRequest& request) {
  const Catalog& catalog = snapshot.catalog();
  Lookups found;
  absl::Status status = CompleteGivenAlgorithms(catalog, request, found);
  if (!status.ok()) return status;
  const auto llm_template = snapshot.FindTemplate(request.model_type(), "model_type");
  if (!llm_template.ok()) return llm_template.status();
  found.llm_template = *llm_template;
  status = CheckFits(catalog, **llm_template, "model_type");
  if (!status.ok()) return status;
  const auto scheme = FindFitting(snapshot, request.scheme(), "scheme");
  if (!scheme.ok()) return scheme.status();
  found.scheme = *scheme;
  status = CheckAlgorithms(catalog, request);
  if (!status.ok()) return status;
  const auto kv_cache = FindTensor(catalog, catalog.kv_cache_schemes(), request.kv_cache_scheme(), "kv_cache_scheme",
                                   v1::ERROR_REASON_UNSUPPORTED_KV_CACHE_SCHEME);
  if (!kv_cache.ok()) return kv_cache.status();
  found.kv_cache = *kv_cache;
  const auto attention = FindTensor(catalog, catalog.attention_schemes(), request.attention_scheme(),
                                    "attention_scheme", v1::ERROR_REASON_UNSUPPORTED_ATTENTION_SCHEME);
  if (!attention.ok()) return attention.status();
  found.attention = *attention;
  status = FindAlgorithmConfigs(request, found);
  if (!status.ok()) return status;
  status = FindSchemes(snapshot, request.layer_config(), "layer_config", found.layer_schemes);
  if (!status.ok()) return status;
  status = FindSchemes(snapshot, request.layer_type_config(), "layer_type_config", found.layer_type_schemes);
  if (!status.ok()) return status;
  return found;
}

// An algorithm may be asked for many times, and each time its whole configuration comes into the answer. Without a
// limit a small request could ask for gigabytes. Sizes are those in memory, because an empty message takes but two
// bytes on the wire.
absl::Status CheckAlgorithmBytes(const std::vector<const v1::AlgoConfig*>& algorithms, size_t max_bytes) {
  absl::flat_hash_map<const v1::AlgoConfig*, size_t> sizes;
  size_t bytes = 0;
  for (size_t i = 0; i < algorithms.size(); ++i) {
    const auto [size, is_new] = sizes.try_emplace(algorithms[i], 0);
    if (is_new) size->second = algorithms[i]->SpaceUsedLong();
    bytes += size->second;
    if (bytes > max_bytes) {
      return Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
          .Field(absl::StrCat("algorithm[", i, "]"))
          .Because(absl::StrCat("with this one the algorithms' configurations would take more than ", max_bytes,
                                " bytes of memory"));
    }
  }
  return absl::OkStatus();
}

// Which overrides of a request give the scheme that is also the one for all layers, when that one is the tenant's own.
// Quark cannot tell such an override from none, because both are one object; each built-in one is a new object.
struct OverridesLikeGlobal {
  OverridesLikeGlobal(const Lookups& found, const v1::GetConfigRequest& request) {
    if (found.scheme->origin() != v1::REGISTRY_ORIGIN_TENANT) return;
    for (const v1::Scheme* scheme : found.layer_schemes) layers.push_back(scheme == found.scheme);
    for (int i = 0; i < request.layer_type_config_size(); ++i) {
      if (request.layer_type_config(i).layer_type() != "Linear") continue;
      linear = found.layer_type_schemes[static_cast<size_t>(i)] == found.scheme;
    }
  }

  std::vector<bool> layers;  // by the index in `layer_config`; empty: none
  bool linear = false;       // the one for the layer type `Linear`
};

// Adds what the KV cache and attention schemes do to a configuration that is otherwise complete. They treat each of the
// template's projection patterns as if it were the name of a `Linear` layer and ask what that layer gets so far.
class ProjectionQuantizer {
 public:
  ProjectionQuantizer(v1::QConfig& config, OverridesLikeGlobal like_global)
      : config_(config), like_global_(std::move(like_global)) {
    for (const auto& entry : config.layer_quant_config()) layer_patterns_.emplace_back(entry.pattern());
    for (const auto& pattern : config.exclude()) exclude_patterns_.emplace_back(pattern);
  }

  void QuantizeKvCache(const v1::LlmTemplate& llm_template, const v1::QTensorConfig& tensor) {
    for (const std::string& projection : llm_template.kv_layers_name()) {
      const Resolved resolved = Resolve(projection);
      const v1::QLayerConfig layer = WithOutput(resolved.base, tensor);
      if (!resolved.excluded) PutLayer(projection, layer, v1::ENTRY_ORIGIN_KV_CACHE);
      PutKvCache(projection, layer);
    }
  }

  void QuantizeAttention(const v1::LlmTemplate& llm_template, const v1::QTensorConfig& tensor) {
    *config_.mutable_softmax_quant_spec() = tensor;
    for (const std::string& projection : llm_template.q_layer_name()) {
      const Resolved resolved = Resolve(projection);
      if (!resolved.excluded) PutLayer(projection, WithOutput(resolved.base, tensor), v1::ENTRY_ORIGIN_ATTENTION);
    }
  }

 private:
  struct Resolved {
    bool excluded;
    const v1::QLayerConfig* base;  // null: nothing is done to weight and input
  };

  // What a `Linear` layer named `name` gets so far.
  Resolved Resolve(const std::string& name) const {
    const std::u32string decoded = DecodeUtf8(name);
    const auto matches = [&decoded](const Pattern& pattern) { return pattern.Matches(decoded); };
    if (std::any_of(exclude_patterns_.begin(), exclude_patterns_.end(), matches)) {
      // Excluded layers whose KV cache is quantized are kept for their output alone.
      return {std::none_of(kv_cache_patterns_.begin(), kv_cache_patterns_.end(), matches), nullptr};
    }
    const auto layer = std::find_if(layer_patterns_.begin(), layer_patterns_.end(), matches);
    if (layer != layer_patterns_.end()) {
      const auto index = static_cast<size_t>(layer - layer_patterns_.begin());
      const bool like_global = index < like_global_.layers.size() && like_global_.layers[index];
      return {false, like_global ? &FallbackFor(name) : &config_.layer_quant_config(static_cast<int>(index)).config()};
    }
    for (const v1::LayerTypeQuantConfigEntry& entry : config_.layer_type_quant_config()) {
      if (entry.layer_type() == "Linear" && !like_global_.linear) return {false, &entry.config()};
    }
    return {false, &FallbackFor(name)};
  }

  // A projection that no pattern matches takes after the first override that looks like one for it or for attention.
  const v1::QLayerConfig& FallbackFor(absl::string_view name) const {
    for (const v1::LayerQuantConfigEntry& entry : config_.layer_quant_config()) {
      if (IsBaseForProjection(entry.pattern(), name)) return entry.config();
    }
    return config_.global_quant_config();
  }

  static v1::QLayerConfig WithOutput(const v1::QLayerConfig* base, const v1::QTensorConfig& output) {
    v1::QLayerConfig layer;
    if (base != nullptr) {
      *layer.mutable_weight() = base->weight();
      *layer.mutable_input_tensors() = base->input_tensors();
    }
    *layer.add_output_tensors() = output;
    return layer;
  }

  // Puts `layer` in the place of the entry of `pattern`, or at the end. `patterns` are those of `entries`.
  // Returns where it is.
  static size_t Put(const std::string& pattern, const v1::QLayerConfig& layer, v1::EntryOrigin origin,
                    std::vector<Pattern>& patterns,
                    google::protobuf::RepeatedPtrField<v1::LayerQuantConfigEntry>& entries) {
    int index = 0;
    while (index < entries.size() && entries[index].pattern() != pattern) ++index;
    if (index == entries.size()) {
      patterns.emplace_back(pattern);
      entries.Add()->set_pattern(pattern);
    }
    *entries[index].mutable_config() = layer;
    entries[index].set_origin(origin);
    return static_cast<size_t>(index);
  }

  void PutLayer(const std::string& pattern, const v1::QLayerConfig& layer, v1::EntryOrigin origin) {
    const size_t index = Put(pattern, layer, origin, layer_patterns_, *config_.mutable_layer_quant_config());
    if (index < like_global_.layers.size()) like_global_.layers[index] = false;
  }

  void PutKvCache(const std::string& pattern, const v1::QLayerConfig& layer) {
    Put(pattern, layer, v1::ENTRY_ORIGIN_KV_CACHE, kv_cache_patterns_, *config_.mutable_kv_cache_quant_config());
  }

  v1::QConfig& config_;
  OverridesLikeGlobal like_global_;
  std::vector<Pattern> layer_patterns_;
  std::vector<Pattern> exclude_patterns_;
  std::vector<Pattern> kv_cache_patterns_;
};

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

absl::StatusOr<v1::QConfig> ResolveConfig(const Snapshot& snapshot, const v1::GetConfigRequest& request,
                                          const Limits& limits) {
  const auto found = LookUp(snapshot, request);
  if (!found.ok()) return found.status();
  const v1::LlmTemplate& llm_template = *found->llm_template;
  const absl::Status size = CheckAlgorithmBytes(found->algorithms, limits.algorithm_bytes);
  if (!size.ok()) return size;

  v1::QConfig config;
  *config.mutable_global_quant_config() = found->scheme->config();
  if (request.has_shared_scale_groups()) {
    *config.mutable_shared_scale_groups() = request.shared_scale_groups().groups();
  } else if (found->scheme->default_shared_scales()) {
    SetDefaultSharedScales(llm_template, config);
  }
  SetExclude(snapshot.catalog().traits(),
             request.has_exclude_layers() ? request.exclude_layers().patterns() : llm_template.exclude_layers_name(),
             config);
  *config.mutable_kv_cache_group() = llm_template.kv_layers_name();
  if (request.min_kv_scale() != 0) config.set_min_kv_scale(request.min_kv_scale());  // -0 is 0
  for (const v1::AlgoConfig* algorithm : found->algorithms) {
    *config.add_algo_config() = *algorithm;
    FitAlgoConfig(snapshot.catalog(), *config.mutable_algo_config()->rbegin());
  }
  for (int i = 0; i < request.layer_config_size(); ++i) {
    v1::LayerQuantConfigEntry& entry = *config.add_layer_quant_config();
    entry.set_pattern(request.layer_config(i).pattern());
    *entry.mutable_config() = found->layer_schemes[static_cast<size_t>(i)]->config();
    entry.set_origin(v1::ENTRY_ORIGIN_REQUEST);
  }
  for (int i = 0; i < request.layer_type_config_size(); ++i) {
    v1::LayerTypeQuantConfigEntry& entry = *config.add_layer_type_quant_config();
    entry.set_layer_type(request.layer_type_config(i).layer_type());
    *entry.mutable_config() = found->layer_type_schemes[static_cast<size_t>(i)]->config();
  }
  config.set_quant_mode(v1::QUANTIZATION_MODE_EAGER_MODE);
  config.set_keep_prequantized_layers(true);
  config.set_version(snapshot.catalog().quark_release());
  config.set_quant_method("quark");

  if (found->kv_cache != nullptr || found->attention != nullptr) {
    ProjectionQuantizer quantizer(config, OverridesLikeGlobal(*found, request));
    if (found->kv_cache != nullptr) quantizer.QuantizeKvCache(llm_template, *found->kv_cache);
    if (found->attention != nullptr) quantizer.QuantizeAttention(llm_template, *found->attention);
  }
  return config;
}

}  // namespace qconfig
