// SPDX-License-Identifier: Apache-2.0
#include "core/suggestion.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/field_behavior.h"

namespace qconfig {

std::string Suggestion(absl::string_view name, const std::vector<absl::string_view>& names, NameKind kind) {
  constexpr size_t kMaxAllowed = 10;
  if (names.empty()) return "";
  const NameResolution resolution = ResolveName(kind, name, names);
  std::string text = ResolutionText(resolution);
  if (resolution.items.empty()) {
    const size_t shown = std::min(names.size(), kMaxAllowed);
    text = absl::StrCat("; allowed: ",
                        absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (shown < names.size()) absl::StrAppend(&text, " and ", names.size() - shown, " more");
  }
  if (!resolution.note.empty()) absl::StrAppend(&text, resolution.items.empty() ? ". " : " ", resolution.note);
  return text;
}

std::vector<absl::string_view> FieldNames(const google::protobuf::Descriptor& type) {
  std::vector<absl::string_view> names;
  names.reserve(static_cast<size_t>(type.field_count()));
  for (int i = 0; i < type.field_count(); ++i) {
    if (!HasBehavior(*type.field(i), v1::FIELD_BEHAVIOR_OUTPUT_ONLY)) names.push_back(type.field(i)->name());
  }
  return names;
}

}  // namespace qconfig
