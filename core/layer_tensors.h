// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_LAYER_TENSORS_H_
#define QCONFIG_CORE_LAYER_TENSORS_H_

#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// A tensor of a layer that Quark can quantize, with the accessors of its field in QLayerConfig and in LayerSpec.
struct LayerTensor {
  using Stages = google::protobuf::RepeatedPtrField<v1::QTensorConfig>;

  const char* name;    // of the field
  bool is_activation;  // an input or output, not a parameter
  const Stages& (v1::QLayerConfig::*stages)() const;
  Stages* (v1::QLayerConfig::*mutable_stages)();
  bool (v1::LayerSpec::*has_spec)() const;
  const v1::TensorSpec& (v1::LayerSpec::*spec)() const;
  v1::TensorSpec* (v1::LayerSpec::*mutable_spec)();
};

// All four, in Quark's order.
inline constexpr LayerTensor kLayerTensors[] = {
    {"input_tensors", true, &v1::QLayerConfig::input_tensors, &v1::QLayerConfig::mutable_input_tensors,
     &v1::LayerSpec::has_input_tensors, &v1::LayerSpec::input_tensors, &v1::LayerSpec::mutable_input_tensors},
    {"output_tensors", true, &v1::QLayerConfig::output_tensors, &v1::QLayerConfig::mutable_output_tensors,
     &v1::LayerSpec::has_output_tensors, &v1::LayerSpec::output_tensors, &v1::LayerSpec::mutable_output_tensors},
    {"weight", false, &v1::QLayerConfig::weight, &v1::QLayerConfig::mutable_weight, &v1::LayerSpec::has_weight,
     &v1::LayerSpec::weight, &v1::LayerSpec::mutable_weight},
    {"bias", false, &v1::QLayerConfig::bias, &v1::QLayerConfig::mutable_bias, &v1::LayerSpec::has_bias,
     &v1::LayerSpec::bias, &v1::LayerSpec::mutable_bias},
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_LAYER_TENSORS_H_
