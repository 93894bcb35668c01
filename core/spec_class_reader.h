// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SPEC_CLASS_READER_H_
#define QCONFIG_CORE_SPEC_CLASS_READER_H_

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "core/spec_class.h"

namespace qconfig {

// Reads the fields of the classes from spec_presets.json, and their meaning from `specs` and `spec_fields` of
// catalog.json. kInvalidArgument, with the path: the two files do not match, or a field cannot set its target.
absl::StatusOr<std::vector<SpecClass>> ReadSpecClasses(const nlohmann::ordered_json& presets,
                                                       const nlohmann::ordered_json& settings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_SPEC_CLASS_READER_H_
