// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SUGGESTION_H_
#define QCONFIG_CORE_SUGGESTION_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/names/name_resolver.h"

namespace qconfig {

// The end of an error about the unknown `name`: what ResolveName() finds among `names`, such as "; did you mean int4,
// uint4?"; "; allowed: cpu, ipu" with up to ten names if there is no suggestion. Empty if there are no names.
std::string Suggestion(absl::string_view name, const std::vector<absl::string_view>& names,
                       NameKind kind = NameKind::kOther);

// The fields of `type` without output-only ones.
std::vector<absl::string_view> FieldNames(const google::protobuf::Descriptor& type);

}  // namespace qconfig

#endif  // QCONFIG_CORE_SUGGESTION_H_
