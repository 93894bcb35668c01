// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_COMPLETE_LAYER_H_
#define QCONFIG_CORE_COMPLETE_LAYER_H_

#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// Fill in max_input_numel as Quark's constructors do. It is the only field that has a default other than None and zero.
v1::QTensorConfig CompleteTensor(v1::QTensorConfig given);
v1::QLayerConfig CompleteLayer(v1::QLayerConfig given);

}  // namespace qconfig

#endif  // QCONFIG_CORE_COMPLETE_LAYER_H_
