// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_COMPLETE_LAYER_H_
#define QCONFIG_CORE_COMPLETE_LAYER_H_

#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// The configuration with what Quark's constructors fill in when it is left out: max_input_numel, the one field whose
// default a message cannot stand for by being empty.
v1::QTensorConfig CompleteTensor(v1::QTensorConfig given);
v1::QLayerConfig CompleteLayer(v1::QLayerConfig given);

}  // namespace qconfig

#endif  // QCONFIG_CORE_COMPLETE_LAYER_H_
