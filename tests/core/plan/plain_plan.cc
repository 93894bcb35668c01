// SPDX-License-Identifier: Apache-2.0
#include "tests/core/plan/plain_plan.h"

#include "core/pattern.h"

namespace qconfig {
namespace {

bool Matches(const std::string& pattern, const v1::Module& module) { return Pattern(pattern).Matches(module.name()); }

bool IsEmbedding(const v1::Module& module) { return module.type() == "Embedding" || module.type() == "EmbeddingBag"; }

bool IsQuantizable(const v1::Module& module) {
  return module.type() == "Linear" || module.type() == "Conv2d" || module.type() == "ConvTranspose2d" ||
         IsEmbedding(module);
}

// The first pattern of `exclude` that matches.
std::optional<std::string> Exclusion(const v1::QConfig& config, const v1::Module& module) {
  for (const std::string& pattern : config.exclude()) {
    if (Matches(pattern, module)) return pattern;
  }
  return std::nullopt;
}

PlainLayer WithoutKvCache(const v1::QConfig& config, const v1::Module& module) {
  if (const auto exclusion = Exclusion(config, module)) {
    return {v1::LAYER_RULE_KIND_EXCLUDED, *exclusion, std::nullopt};
  }
  for (const auto& entry : config.layer_quant_config()) {
    if (!Pattern::HasWildcard(entry.pattern()) && entry.pattern() == module.name()) {
      return {v1::LAYER_RULE_KIND_OVERRIDE, entry.pattern(), entry.config()};
    }
  }
  for (const auto& entry : config.layer_quant_config()) {
    if (Matches(entry.pattern(), module)) return {v1::LAYER_RULE_KIND_OVERRIDE, entry.pattern(), entry.config()};
  }
  for (const auto& entry : config.layer_type_quant_config()) {
    if (entry.layer_type() == module.type()) {
      return {v1::LAYER_RULE_KIND_LAYER_TYPE, entry.layer_type(), entry.config()};
    }
  }
  if (IsEmbedding(module)) return {};
  return {v1::LAYER_RULE_KIND_GLOBAL, "", config.global_quant_config()};
}

// Quark shares one configuration among the modules of a KV cache pattern. Excluding one of them takes weight and input
// from all.
bool IsStripped(const std::string& pattern, const v1::QConfig& config, const std::vector<v1::Module>& modules) {
  for (const v1::Module& module : modules) {
    if (IsQuantizable(module) && Matches(pattern, module) && Exclusion(config, module)) return true;
  }
  return false;
}

}  // namespace

std::vector<PlainLayer> PlainPlan(const v1::QConfig& config, const std::vector<v1::Module>& modules) {
  std::vector<PlainLayer> layers;
  for (const v1::Module& module : modules) {
    if (!IsQuantizable(module)) {
      layers.emplace_back();
      continue;
    }
    PlainLayer layer = WithoutKvCache(config, module);
    for (const auto& entry : config.kv_cache_quant_config()) {  // the last one that matches decides
      if (!Matches(entry.pattern(), module)) continue;
      layer = {v1::LAYER_RULE_KIND_KV_CACHE, entry.pattern(), entry.config()};
      if (IsStripped(entry.pattern(), config, modules)) {
        layer.config->clear_weight();
        layer.config->clear_input_tensors();
      }
    }
    layers.push_back(layer);
  }
  return layers;
}

}  // namespace qconfig
