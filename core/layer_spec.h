// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_LAYER_SPEC_H_
#define QCONFIG_CORE_LAYER_SPEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/catalog.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// The configuration that Quark's spec classes make of `spec`, with defaults filled in and checked like CheckLayer()
// does. `path` is that of `spec`.
// INVALID_TENSOR_CONFIG with a rule of CheckLayer(), at the field of the spec that is to blame, or with one of these:
//
//   spec_required         none of the forms is given, or a stage of two is missing
//   spec_unknown          the release has no such class
//   spec_field_unknown    the class has no such field
//   spec_field_required   a field without a default is left out
//   spec_field_type       a value of another type than the field's; integers have 32 bits
//   spec_value            a value that the class does not take
absl::StatusOr<v1::QLayerConfig> ExpandLayerSpec(const Catalog& catalog, const v1::LayerSpec& spec,
                                                 const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_CORE_LAYER_SPEC_H_
