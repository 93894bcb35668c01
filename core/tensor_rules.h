// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_TENSOR_RULES_H_
#define QCONFIG_CORE_TENSOR_RULES_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// What Quark's constructors refuse, in the order in which they look for it, and before that what no Python object could
// hold. Fields that Quark ignores for a data type may have any value that the release knows.
// INVALID_TENSOR_CONFIG, with the field's path and one of these rules:
//
//   <field>_unknown            dtype, qscheme, round_method, scale_type, zero_point_type, mx_element_dtype,
//   observer_cls,
//                              target_device: the release has no such value
//   <field>_required           dtype always; by data type is_dynamic, observer_cls, qscheme, symmetric, round_method,
//                              scale_type, ch_axis, group_size, mx_element_dtype; by quantization scheme type ch_axis,
//                              group_size
//   observer_cls_placeholder   the values are only cast, so nothing may observe them
//   observer_cls_per_tensor, observer_cls_per_channel, observer_cls_per_group
//                              the observer does not fit the quantization scheme type
//   block_size_pair            per_block needs two block sizes
//   stages_at_most_two         a tensor is quantized in more than two stages
//   activation_group_dynamic   per_group of an input or output that is not dynamic
//
// ExpandLayerSpec() has some more, for specs.

// `path` is that of `tensor`, such as "scheme.config.weight[0]".
absl::Status CheckTensor(const Catalog& catalog, const v1::QTensorConfig& tensor, const std::string& path);

// Every tensor of `layer`, and what QLayerConfig's constructor asks of them. `path` is that of `layer`.
absl::Status CheckLayer(const Catalog& catalog, const v1::QLayerConfig& layer, const std::string& path);

// The parts of CheckLayer(), for callers whose fields stand elsewhere: `path_of` tells where, given a field's name in
// QTensorConfig.
using FieldPath = absl::FunctionRef<std::string(absl::string_view field)>;
absl::Status CheckTensor(const Catalog& catalog, const v1::QTensorConfig& tensor, FieldPath path_of);
absl::Status CheckActivation(const v1::QTensorConfig& tensor, FieldPath path_of);
absl::Status CheckTargetDevice(const Catalog& catalog, v1::DeviceType device, const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_CORE_TENSOR_RULES_H_
