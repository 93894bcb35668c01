// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NEAREST_TENSOR_H_
#define QCONFIG_CORE_NEAREST_TENSOR_H_

#include <google/protobuf/descriptor.h>

#include <string>

#include "core/catalog.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// A tensor of a built-in scheme. Null if there is none. Valid as long as the catalogue.
struct NearestTensor {
  const v1::Scheme* scheme = nullptr;
  const v1::QTensorConfig* tensor = nullptr;
};

// The tensor of a built-in scheme to copy missing fields of `tensor` from. It has the same data type, and is an input
// or output if `is_activation`, otherwise a parameter. Best first: the same `qscheme`, more fields in common, larger
// groups, the catalogue's order.
NearestTensor FindNearestTensor(const Catalog& catalog, const v1::QTensorConfig& tensor, bool is_activation);

// The value as Quark spells it, such as "half_even". Empty if the field is not set or is repeated.
std::string TensorFieldText(const v1::QTensorConfig& tensor, const google::protobuf::FieldDescriptor& field);

}  // namespace qconfig

#endif  // QCONFIG_CORE_NEAREST_TENSOR_H_
