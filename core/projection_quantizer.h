// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PROJECTION_QUANTIZER_H_
#define QCONFIG_CORE_PROJECTION_QUANTIZER_H_

#include <vector>

#include "absl/status/status.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// Which overrides of a request give the scheme that is also the one for all layers, when that one is the tenant's own.
// Quark cannot tell such an override from none, because both are one object; each built-in one is a new object.
struct OverridesLikeGlobal {
  std::vector<bool> layers;  // by the index in `layer_quant_config`; empty: none
  bool linear = false;       // the one for the layer type `Linear`
};

// Adds what the KV cache and attention schemes do, null when not asked for, to a configuration that is otherwise
// complete. They treat each of the template's projection patterns as if it were the name of a `Linear` layer and ask
// what that layer gets so far.
// ANSWER_TOO_LARGE, and `config` is as it was, when so many patterns take too long to match.
absl::Status QuantizeProjections(const v1::LlmTemplate& llm_template, const v1::QTensorConfig* kv_cache,
                                 const v1::QTensorConfig* attention, OverridesLikeGlobal like_global,
                                 v1::QConfig& config);

}  // namespace qconfig

#endif  // QCONFIG_CORE_PROJECTION_QUANTIZER_H_
