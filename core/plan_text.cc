// SPDX-License-Identifier: Apache-2.0
#include "core/plan_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/utf8.h"

namespace qconfig {

std::string Quoted(absl::string_view text) {
  constexpr size_t kMaxChars = 128;
  return absl::StrCat("\"", Printable(text, kMaxChars), "\"");
}

std::string QuotedList(const std::vector<std::string>& texts) {
  constexpr size_t kMaxShown = 5;
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(texts.size(), kMaxShown); ++i) shown.push_back(Quoted(texts[i]));
  std::string list = absl::StrJoin(shown, ", ");
  if (texts.size() > kMaxShown) absl::StrAppend(&list, " and ", texts.size() - kMaxShown, " more");
  return list;
}

std::string Option(absl::string_view option, absl::string_view value) {
  constexpr size_t kMaxChars = 1200;  // a pattern and a scheme
  return absl::StrCat(option, " '", absl::StrReplaceAll(Printable(value, kMaxChars), {{"'", "'\\''"}}), "'");
}

std::string ExclusionOptions(const PlanContext& context, absl::string_view pattern) {
  constexpr int kMaxPatterns = 20;
  const auto& excluded = context.llm_template.exclude_layers_name();
  const std::string option = Option("--exclude", pattern);
  if (context.spec.has_exclude_layers()) return option;
  if (excluded.size() > kMaxPatterns) {
    return absl::StrCat(option, " and the ", excluded.size(), " exclusions of the template");
  }
  std::string options;
  for (const std::string& kept : excluded) absl::StrAppend(&options, Option("--exclude", kept), " ");
  return options + option;
}

std::string Modules(int64_t count) { return absl::StrCat(count, count == 1 ? " module" : " modules"); }

void AffectedModules::Add(size_t module) {
  ++count_;
  if (first_.size() < FindingList::kMaxModules) first_.push_back(module);
}

void AffectedModules::CopyTo(const ModuleList& modules, v1::Finding& finding) const {
  for (const size_t module : first_) finding.add_modules(std::string(modules.name(module)));
  finding.set_module_count(count_);
}

}  // namespace qconfig
