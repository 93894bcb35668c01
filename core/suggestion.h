// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SUGGESTION_H_
#define QCONFIG_CORE_SUGGESTION_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// The end of an error about the unknown `name`: "; did you mean int4, uint4?" if some of `names` are similar, otherwise
// "; allowed: cpu, ipu" with up to ten names. Empty if there are no names.
std::string Suggestion(absl::string_view name, const std::vector<absl::string_view>& names);

// The fields of `type` without output-only ones.
std::vector<absl::string_view> FieldNames(const google::protobuf::Descriptor& type);

}  // namespace qconfig

#endif  // QCONFIG_CORE_SUGGESTION_H_
