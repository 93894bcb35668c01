// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PROJECTION_QUANTIZER_H_
#define QCONFIG_CORE_PROJECTION_QUANTIZER_H_

#include <vector>

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// The overrides of a request that use the global scheme, if that is the tenant's own. Quark compares configurations by
// object identity, so it treats such an override as absent. Each use of a built-in scheme is a new object.
struct OverridesLikeGlobal {
  std::vector<bool> layers;  // by the index in `layer_quant_config`; empty: none
  bool linear = false;       // the override of the layer type `Linear`
};

// Applies the KV cache and attention schemes, null if not requested, to a configuration that is otherwise complete.
// Like Quark, treats each projection pattern of the template as the name of a `Linear` layer, and starts from the
// configuration that a layer with that name has so far.
// ANSWER_TOO_LARGE: matching so many patterns would take too long; `config` is unchanged. An error of `token`: the
// computation was cancelled; `config` is incomplete.
absl::Status QuantizeProjections(const v1::LlmTemplate& llm_template, const v1::QTensorConfig* kv_cache,
                                 const v1::QTensorConfig* attention, OverridesLikeGlobal like_global,
                                 CancellationToken& token, v1::QConfig& config);

}  // namespace qconfig

#endif  // QCONFIG_CORE_PROJECTION_QUANTIZER_H_
