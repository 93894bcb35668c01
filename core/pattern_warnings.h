// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PATTERN_WARNINGS_H_
#define QCONFIG_CORE_PATTERN_WARNINGS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/warning_list.h"
#include "qconfig/v1/config_spec.pb.h"

namespace qconfig {

// Warn about a pattern at `field` that can match no module, because it is written in another syntax: a regular
// expression, or several patterns in one. Return whether they warned.
bool WarnAboutSyntax(const v1::LayerConfigEntry& entry, const std::string& field, WarningList& warnings);
bool WarnAboutExclusionSyntax(const std::string& pattern, const std::string& field, WarningList& warnings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_PATTERN_WARNINGS_H_
