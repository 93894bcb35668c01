// SPDX-License-Identifier: Apache-2.0
#include "core/registration_warnings.h"

#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace qconfig {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::util::MessageDifferencer;

void Warn(RepeatedPtrField<v1::Warning>& warnings, v1::WarningCode code, absl::string_view field,
          const std::string& value, const std::string& message) {
  v1::Warning& warning = *warnings.Add();
  warning.set_code(code);
  warning.set_field(std::string(field));
  warning.set_value(value);
  warning.set_message(message);
}

// SHADOWS_BUILTIN, if one of `catalogs` has an entry with this name.
template <typename Find>
void WarnIfHidden(absl::string_view field, const std::string& name, absl::string_view what, const Catalogs& catalogs,
                  Find find, RepeatedPtrField<v1::Warning>& warnings) {
  std::vector<absl::string_view> hidden_in;
  for (const auto& catalog : catalogs) {
    if (((*catalog).*find)(name) != nullptr) hidden_in.push_back(catalog->name());
  }
  if (hidden_in.empty()) return;
  Warn(warnings, v1::WARNING_CODE_SHADOWS_BUILTIN, field, name,
       absl::StrCat("hides the ", what, " in ", absl::StrJoin(hidden_in, " and ")));
}

}  // namespace

RepeatedPtrField<v1::Warning> RegistrationWarnings(const v1::Scheme& scheme, const Catalogs& catalogs) {
  RepeatedPtrField<v1::Warning> warnings;
  WarnIfHidden("scheme.name", scheme.name(), "scheme of the same name", catalogs, &Catalog::FindScheme, warnings);
  if (scheme.default_shared_scales()) return warnings;
  for (const auto& catalog : catalogs) {
    for (const v1::Scheme& builtin : catalog->schemes()) {
      if (!builtin.default_shared_scales() || !builtin.alias_of().empty()) continue;
      if (!MessageDifferencer::Equals(builtin.config(), scheme.config())) continue;
      Warn(warnings, v1::WARNING_CODE_SHARED_SCALES_DROPPED, "scheme.default_shared_scales", scheme.name(),
           absl::StrCat("has the same tensors as ", builtin.name(), " of ", catalog->name(),
                        ", which also shares scales between q, k and v and between gate and up. Set "
                        "`default_shared_scales` to share them here as well"));
      return warnings;
    }
  }
  return warnings;
}

RepeatedPtrField<v1::Warning> RegistrationWarnings(const v1::LlmTemplate& entry, const Catalogs& catalogs) {
  RepeatedPtrField<v1::Warning> warnings;
  WarnIfHidden("llm_template.model_type", entry.model_type(), "template of the same model type", catalogs,
               &Catalog::FindTemplate, warnings);
  return warnings;
}

}  // namespace qconfig
