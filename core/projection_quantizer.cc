// SPDX-License-Identifier: Apache-2.0
#include "core/projection_quantizer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/error.h"
#include "core/pattern.h"
#include "core/projection.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// Each projection of the template is matched with every pattern, at |projection| x |pattern| steps. A template and a
// request that are small enough by themselves could together ask for hours.
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
      .ToStatus("matching the template's projections with so many patterns would take too long");
}

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

}  // namespace

absl::Status QuantizeProjections(const v1::LlmTemplate& llm_template, const v1::QTensorConfig* kv_cache,
                                 const v1::QTensorConfig* attention, OverridesLikeGlobal like_global,
                                 v1::QConfig& config) {
  if (kv_cache == nullptr && attention == nullptr) return absl::OkStatus();
  const absl::Status status = CheckSteps(llm_template, kv_cache != nullptr, attention != nullptr, config);
  if (!status.ok()) return status;
  ProjectionQuantizer quantizer(config, std::move(like_global));
  if (kv_cache != nullptr) quantizer.QuantizeKvCache(llm_template, *kv_cache);
  if (attention != nullptr) quantizer.QuantizeAttention(llm_template, *attention);
  return absl::OkStatus();
}

}  // namespace qconfig
