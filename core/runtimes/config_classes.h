// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_CONFIG_CLASSES_H_
#define QCONFIG_CORE_RUNTIMES_CONFIG_CLASSES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/plan/layer_plan.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// Numbers layer configurations so that two have the same number if they quantize weight, input and bias alike. Outputs
// do not count: runtimes read those of K and V as the KV cache. Not thread-safe.
class ConfigClasses {
 public:
  static constexpr uint32_t kNotQuantized = 0;

  uint32_t Of(const v1::QLayerConfig& config) {
    if (config.weight().empty() && config.input_tensors().empty() && config.bias().empty()) return kNotQuantized;
    v1::QLayerConfig relevant = config;
    relevant.clear_output_tensors();
    return numbers_.try_emplace(relevant.SerializeAsString(), static_cast<uint32_t>(numbers_.size() + 1)).first->second;
  }

  // The classes of the values of `plan.config_of_module`.
  std::vector<uint32_t> OfPlan(const LayerPlan& plan) {
    std::vector<uint32_t> classes = {kNotQuantized};
    for (const v1::QLayerConfig& config : plan.configs) classes.push_back(Of(config));
    return classes;
  }

 private:
  absl::flat_hash_map<std::string, uint32_t> numbers_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_CONFIG_CLASSES_H_
