// SPDX-License-Identifier: Apache-2.0
#include "core/complete_layer.h"

namespace qconfig {
namespace {

void Fill(v1::QTensorConfig& tensor) {
  constexpr int kQuarkDefault = 4194304;
  if (!tensor.has_max_input_numel()) tensor.set_max_input_numel(kQuarkDefault);
}

}  // namespace

v1::QTensorConfig CompleteTensor(v1::QTensorConfig given) {
  Fill(given);
  return given;
}

v1::QLayerConfig CompleteLayer(v1::QLayerConfig given) {
  for (auto* stages :
       {given.mutable_input_tensors(), given.mutable_output_tensors(), given.mutable_weight(), given.mutable_bias()}) {
    for (v1::QTensorConfig& stage : *stages) Fill(stage);
  }
  return given;
}

}  // namespace qconfig
