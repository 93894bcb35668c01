// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_TENSOR_RULES_H_
#define QCONFIG_CORE_TENSOR_RULES_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"
#include "core/error_list.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// The checks of Quark's constructors, in Quark's order, after a check that the release has all values. Unlike Quark,
// they go on after an error, and report at most one error for each field; the first one is Quark's. Fields that Quark
// ignores for a data type may have any value that the release has. INVALID_TENSOR_CONFIG, with the field's path and one
// of these rules:
//
//   <field>_unknown            the release does not have this value of dtype, qscheme, round_method, scale_type,
//                              zero_point_type, mx_element_dtype, observer_cls or target_device
//   <field>_required           always: dtype; depending on dtype: is_dynamic, observer_cls, qscheme, symmetric,
//                              round_method, scale_type, ch_axis, group_size, mx_element_dtype; depending on qscheme:
//                              ch_axis, group_size
//   observer_cls_placeholder   the data type has no scales, so it takes only placeholder observers
//   observer_cls_per_tensor, observer_cls_per_channel, observer_cls_per_group
//                              the observer cannot be used with this qscheme
//   block_size_pair            per_block requires two block sizes
//   stages_at_most_two         the tensor has more than two stages
//   activation_group_dynamic   an input or output with qscheme per_group is not dynamic
//
// ExpandLayerSpec() adds rules for specs.

// An error about a missing field names the value in the most similar built-in scheme, and the first one of a list says
// how to start from that scheme.

// Checks every tensor of `layer`, then the rules of QLayerConfig's constructor. `path` is that of `layer`.
absl::Status CheckLayer(const Catalog& catalog, const v1::QLayerConfig& layer, const std::string& path);

// The parts of CheckLayer(), for callers with other field paths: `path_of` returns the path for a field of
// QTensorConfig, and `is_activation` means an input or output.
using FieldPath = absl::FunctionRef<std::string(absl::string_view field)>;
void CheckTensor(const Catalog& catalog, const v1::QTensorConfig& tensor, bool is_activation, FieldPath path_of,
                 ErrorList& errors);
absl::Status CheckActivation(const v1::QTensorConfig& tensor, FieldPath path_of);
absl::Status CheckTargetDevice(const Catalog& catalog, v1::DeviceType device, const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_CORE_TENSOR_RULES_H_
