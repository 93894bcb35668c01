// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_CORE_PLAN_PLAIN_PLAN_H_
#define QCONFIG_TESTS_CORE_PLAN_PLAIN_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "qconfig/v1/plan.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// What a run of Quark sets up for one module.
struct PlainLayer {
  v1::LayerRuleKind kind = v1::LAYER_RULE_KIND_NOT_QUANTIZABLE;
  std::string pattern;                     // the entry of the configuration that decides; empty for GLOBAL
  std::optional<v1::QLayerConfig> config;  // nullopt: not quantized
};

// The rules of ComputeLayerPlan(), written down as plainly as possible: each module tries each pattern. An independent
// reference for tests. `modules` have no ranges.
std::vector<PlainLayer> PlainPlan(const v1::QConfig& config, const std::vector<v1::Module>& modules);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_CORE_PLAN_PLAIN_PLAN_H_
