// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_LAYER_SPEC_H_
#define QCONFIG_CORE_LAYER_SPEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/catalog.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// Expands `spec` as Quark's spec classes do, fills in defaults, and checks the result like CheckLayer(). `path` is that
// of `spec`.
// INVALID_TENSOR_CONFIG with a rule of CheckLayer(), at the field of the spec that causes the error, or with one of
// these:
//
//   spec_required         a tensor or a stage has no specification
//   spec_unknown          the release does not have the class
//   spec_field_unknown    the class does not have the field
//   spec_field_required   a field without a default is missing
//   spec_field_type       the value does not have the type of the field; integers have 32 bits
//   spec_value            the class does not accept the value
absl::StatusOr<v1::QLayerConfig> ExpandLayerSpec(const Catalog& catalog, const v1::LayerSpec& spec,
                                                 const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_CORE_LAYER_SPEC_H_
