// SPDX-License-Identifier: Apache-2.0
#include "core/projection_quantizer.h"

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/error.h"
#include "core/pattern_list.h"
#include "core/projection.h"
#include "core/status_macros.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// Every projection of the template is matched against every pattern, in up to |projection| x |pattern| steps. A
// template and a request within their own limits could together take hours.
absl::Status CheckSteps(const v1::LlmTemplate& llm_template, bool kv_cache, bool attention, const v1::QConfig& config) {
  constexpr size_t kMaxSteps = 2'000'000'000;
  const auto chars_in = [](const auto& texts) {
    size_t chars = 0;
    for (const std::string& text : texts) chars += text.size() + 1;
    return chars;
  };
  size_t projections = 0;
  if (kv_cache) projections += chars_in(llm_template.kv_layers_name());
  if (attention) projections += chars_in(llm_template.q_layer_name());
  size_t patterns = chars_in(config.exclude()) + 2 * projections;  // which become patterns themselves
  for (const v1::LayerQuantConfigEntry& entry : config.layer_quant_config()) patterns += entry.pattern().size() + 1;
  if (projections * patterns <= kMaxSteps) return absl::OkStatus();
  return Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
      .Field(kv_cache ? "spec.kv_cache_scheme" : "spec.attention_scheme")
      .Advice("Use fewer or shorter patterns")
      .ToStatus("matching so many patterns against the template's projections would take too long");
}

class ProjectionQuantizer {
 public:
  ProjectionQuantizer(v1::QConfig& config, OverridesLikeGlobal like_global, CancellationToken& token)
      : config_(config), like_global_(std::move(like_global)), token_(token) {
    for (const auto& entry : config.layer_quant_config()) layer_patterns_.Add(entry.pattern());
    for (const auto& pattern : config.exclude()) exclude_patterns_.Add(pattern);
  }

  absl::Status QuantizeKvCache(const v1::LlmTemplate& llm_template, const v1::QTensorConfig& tensor) {
    for (const std::string& projection : llm_template.kv_layers_name()) {
      QCONFIG_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(projection));
      const v1::QLayerConfig layer = WithOutput(resolved.base, tensor);
      if (!resolved.excluded) PutLayer(projection, layer, v1::ENTRY_ORIGIN_KV_CACHE);
      PutKvCache(projection, layer);
    }
    return absl::OkStatus();
  }

  absl::Status QuantizeAttention(const v1::LlmTemplate& llm_template, const v1::QTensorConfig& tensor) {
    *config_.mutable_softmax_quant_spec() = tensor;
    for (const std::string& projection : llm_template.q_layer_name()) {
      QCONFIG_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(projection));
      if (!resolved.excluded) PutLayer(projection, WithOutput(resolved.base, tensor), v1::ENTRY_ORIGIN_ATTENTION);
    }
    return absl::OkStatus();
  }

 private:
  struct Resolved {
    bool excluded;
    const v1::QLayerConfig* base;  // null: weight and input are not quantized
  };

  // The configuration that a `Linear` layer named `name` has so far.
  absl::StatusOr<Resolved> Resolve(const std::string& name) {
    const std::u32string decoded = DecodeUtf8(name);
    QCONFIG_ASSIGN_OR_RETURN(const auto exclusion, exclude_patterns_.Winner(decoded, token_));
    if (exclusion.has_value()) {
      // An excluded layer whose KV cache is quantized keeps its output.
      QCONFIG_ASSIGN_OR_RETURN(const auto kv_cache, kv_cache_patterns_.Winner(decoded, token_));
      return Resolved{!kv_cache.has_value(), nullptr};
    }
    QCONFIG_ASSIGN_OR_RETURN(const auto layer, layer_patterns_.Winner(decoded, token_));
    if (layer.has_value()) {
      const bool like_global = *layer < like_global_.layers.size() && like_global_.layers[*layer];
      return Resolved{
          false, like_global ? &FallbackFor(name) : &config_.layer_quant_config(static_cast<int>(*layer)).config()};
    }
    for (const v1::LayerTypeQuantConfigEntry& entry : config_.layer_type_quant_config()) {
      if (entry.layer_type() == "Linear" && !like_global_.linear) return Resolved{false, &entry.config()};
    }
    return Resolved{false, &FallbackFor(name)};
  }

  // The base of a projection that no pattern matches: the first override that looks as if it is meant for the same
  // projection or for attention, otherwise the global configuration.
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

  // Replaces the entry of `pattern`, or appends one. `patterns` are those of `entries`. Returns the index of the entry.
  static size_t Put(const std::string& pattern, const v1::QLayerConfig& layer, v1::EntryOrigin origin,
                    PatternList& patterns, google::protobuf::RepeatedPtrField<v1::LayerQuantConfigEntry>& entries) {
    int index = 0;
    while (index < entries.size() && entries[index].pattern() != pattern) ++index;
    if (index == entries.size()) {
      patterns.Add(pattern);
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
  CancellationToken& token_;
  PatternList layer_patterns_;
  PatternList exclude_patterns_;
  PatternList kv_cache_patterns_;
};

}  // namespace

absl::Status QuantizeProjections(const v1::LlmTemplate& llm_template, const v1::QTensorConfig* kv_cache,
                                 const v1::QTensorConfig* attention, OverridesLikeGlobal like_global,
                                 CancellationToken& token, v1::QConfig& config) {
  if (kv_cache == nullptr && attention == nullptr) return absl::OkStatus();
  QCONFIG_RETURN_IF_ERROR(CheckSteps(llm_template, kv_cache != nullptr, attention != nullptr, config));
  ProjectionQuantizer quantizer(config, std::move(like_global), token);
  if (kv_cache != nullptr) QCONFIG_RETURN_IF_ERROR(quantizer.QuantizeKvCache(llm_template, *kv_cache));
  if (attention != nullptr) QCONFIG_RETURN_IF_ERROR(quantizer.QuantizeAttention(llm_template, *attention));
  return absl::OkStatus();
}

}  // namespace qconfig
