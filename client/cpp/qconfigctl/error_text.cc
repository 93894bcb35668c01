// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/error_text.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace qconfig::client {
namespace {

using Strings = google::protobuf::RepeatedPtrField<std::string>;

void AppendItem(std::string* out, const std::string& value) {
  if (value.find_first_of(",\"") == std::string::npos) {
    absl::StrAppend(out, value);
  } else {
    absl::StrAppend(out, "\"", absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
  }
}

std::string ListText(const Strings& values, int64_t total) {
  const int64_t left_out = total - values.size();
  if (values.empty()) return left_out > 0 ? absl::StrCat(left_out, " values, too many to list") : "";
  return absl::StrCat(absl::StrJoin(values, ", ", AppendItem),
                      left_out > 0 ? absl::StrCat(" and ", left_out, " more") : "");
}

// Why the suggestion is made, and the option that makes it work, in parentheses; empty if nothing is to be said.
std::string ReasonText(const v1::SuggestionReason& reason) {
  std::vector<std::string> parts;
  if (!reason.text().empty()) parts.push_back(reason.text());
  if (!reason.catalog().empty()) parts.push_back(absl::StrCat("add --catalog ", reason.catalog()));
  return parts.empty() ? "" : absl::StrCat(" (", absl::StrJoin(parts, "; "), ")");
}

// The suggestions in one line, or in a line for each reason. Without the value itself, if it was removed: the error and
// its advice say so.
std::string SuggestionsText(const v1::ErrorDetail& detail) {
  std::string text;
  std::string last;
  for (int i = 0; i < detail.suggestions_size(); ++i) {
    const bool has_reason = i < detail.suggestion_reasons_size();
    if (has_reason && detail.suggestion_reasons(i).kind() == v1::SUGGESTION_KIND_REMOVED) continue;
    const std::string reason = has_reason ? ReasonText(detail.suggestion_reasons(i)) : "";
    if (!text.empty() && reason == last) {
      text.resize(text.size() - last.size());
      absl::StrAppend(&text, ", ");
    } else if (!text.empty()) {
      absl::StrAppend(&text, "\n                ");
    }
    AppendItem(&text, detail.suggestions(i));
    absl::StrAppend(&text, reason);
    last = reason;
  }
  return text;
}

// Fields of a request that qconfigctl calls differently.
constexpr std::pair<absl::string_view, absl::string_view> kOptions[] = {
    {"spec.layer_config", "--layer"},
    {"spec.layer_type_config", "--layer-type"},
    {"spec.exclude_layers", "--exclude"},
    {"spec.algorithm", "--algorithm"},
    {"spec.algo_configs", "--algo-config"},
    {"spec.shared_scale_groups", "--shared-scale-group"},
    {"runtimes", "--runtime"},
    {"tensor_parallel_size", "--tensor-parallel"},
};

// "spec.layer_config[0].pattern (--layer)". Only the path if the option has the same name or there is none.
std::string FieldText(const std::string& path) {
  const absl::string_view list = absl::string_view(path).substr(0, path.find('['));
  for (const auto& [field, option] : kOptions) {
    if (list == field || absl::StartsWith(list, absl::StrCat(field, "."))) return absl::StrCat(path, " (", option, ")");
  }
  return path;
}

}  // namespace

std::string DetailText(const v1::ErrorDetail& detail) {
  std::string text;
  const auto add = [&text](const char* label, const std::string& value) {
    if (!value.empty()) absl::StrAppend(&text, "  ", label, value, "\n");
  };
  add("field:        ", FieldText(detail.field()));
  add("value:        ", detail.value());
  add("did you mean: ", SuggestionsText(detail));
  add("allowed:      ", ListText(detail.allowed(), detail.allowed_total()));
  add("rule:         ", detail.rule());
  if (detail.first_revision() == 0 && detail.newest_revision() != 0) {
    add("newest:       ", absl::StrCat(detail.newest_revision()));
  } else if (detail.newest_revision() != 0) {
    add("revisions:    ", absl::StrCat(detail.first_revision(), " to ", detail.newest_revision()));
  }
  add("catalogue:    ", detail.catalog());
  add("tenant:       ", detail.tenant());
  add("advice:       ", detail.advice());
  for (const v1::Finding& finding : detail.findings()) absl::StrAppend(&text, FindingText(finding));
  const int64_t more = detail.finding_total() - detail.findings_size();
  if (more > 0) absl::StrAppend(&text, "and ", more, " more findings\n");
  return text;
}

std::string FindingText(const v1::Finding& finding) {
  const std::string severity(absl::StripPrefix(v1::FindingSeverity_Name(finding.severity()), "FINDING_SEVERITY_"));
  const std::string code(absl::StripPrefix(v1::FindingCode_Name(finding.code()), "FINDING_CODE_"));
  std::string text = absl::StrCat(severity.empty() ? "FINDING" : severity, ": ",
                                  finding.runtime().empty() ? "" : absl::StrCat(finding.runtime(), ": "),
                                  finding.message(), code.empty() ? "" : absl::StrCat(" (", code, ")"), "\n");
  const auto add = [&text](const char* label, const std::string& value) {
    if (!value.empty()) absl::StrAppend(&text, "  ", label, value, "\n");
  };
  add("field:   ", FieldText(finding.field()));
  constexpr int kMaxModules = 3;
  const auto& modules = finding.modules();
  add("modules: ", ListText(Strings(modules.begin(), modules.begin() + std::min(kMaxModules, modules.size())),
                            finding.module_count()));
  add("fix:     ", finding.fix());
  return text;
}

std::string WarningText(const v1::Warning& warning) {
  return absl::StrCat(FieldText(warning.field()), ": ",
                      warning.value().empty() ? "" : absl::StrCat("\"", warning.value(), "\" "), warning.message());
}

}  // namespace qconfig::client
