// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SPEC_CLASS_READER_H_
#define QCONFIG_CORE_SPEC_CLASS_READER_H_

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "core/spec_class.h"

namespace qconfig {

// Reads spec_presets.json, which tells the classes' fields, together with `specs` and `spec_fields` of catalog.json,
// which tell what they mean.
// kInvalidArgument, with the path, when the two do not fit together or a field cannot be what it sets.
absl::StatusOr<std::vector<SpecClass>> ReadSpecClasses(const nlohmann::ordered_json& presets,
                                                       const nlohmann::ordered_json& settings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_SPEC_CLASS_READER_H_
