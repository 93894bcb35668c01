// SPDX-License-Identifier: Apache-2.0
#include "core/complete_layer.h"

#include "core/layer_tensors.h"

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
  for (const LayerTensor& tensor : kLayerTensors) {
    for (v1::QTensorConfig& stage : *(given.*tensor.mutable_stages)()) Fill(stage);
  }
  return given;
}

}  // namespace qconfig
