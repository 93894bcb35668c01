// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PLAN_LAYER_PLAN_H_
#define QCONFIG_CORE_PLAN_LAYER_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cancellation.h"
#include "core/plan/module_list.h"
#include "qconfig/v1/config_spec.pb.h"
#include "qconfig/v1/plan.pb.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// What a run of Quark sets up for each module of a model.
struct LayerPlan {
  std::vector<v1::QLayerConfig> configs;   // the different ones, in the order of the first module
  std::vector<uint32_t> config_of_module;  // index in `configs` plus 1; 0: not quantized
  std::vector<v1::LayerRule> rules;        // the different ones, in the order of the first module
  std::vector<uint32_t> rule_of_module;    // index in `rules`
  std::vector<v1::PatternUse> patterns;    // as in PlanLayersResponse
  std::vector<std::string> stripped;       // patterns of `kv_cache_quant_config` that Quark's sharing strips

  // Null if the module is not quantized.
  const v1::QLayerConfig* config(size_t module) const {
    const uint32_t index = config_of_module[module];
    return index == 0 ? nullptr : &configs[index - 1];
  }
  const v1::LayerRule& rule(size_t module) const { return rules[rule_of_module[module]]; }
};

// Applies `config`, which ResolveConfig() made of `spec` and `llm_template`, to `modules`.
// An error of `token`: the computation was cancelled.
absl::StatusOr<LayerPlan> ComputeLayerPlan(const v1::QConfig& config, const v1::ConfigSpec& spec,
                                           const v1::LlmTemplate& llm_template, const ModuleList& modules,
                                           CancellationToken& token);

}  // namespace qconfig

#endif  // QCONFIG_CORE_PLAN_LAYER_PLAN_H_
