// SPDX-License-Identifier: Apache-2.0
#include "core/findings/finding_list.h"

#include <string>
#include <utility>

namespace qconfig {

v1::Finding* FindingList::Add(v1::FindingCode code, v1::FindingSeverity severity, std::string message,
                              std::string fix) {
  OfSeverity& list = by_severity_[static_cast<size_t>(severity)];
  ++list.total;
  v1::Finding* const finding = list.kept.size() < kMaxFindings ? &list.kept.emplace_back() : &dropped_;
  finding->Clear();
  finding->set_code(code);
  finding->set_severity(severity);
  finding->set_message(std::move(message));
  finding->set_fix(std::move(fix));
  return finding;
}

int64_t FindingList::Count(v1::FindingSeverity severity) const {
  int64_t count = 0;
  for (size_t i = static_cast<size_t>(severity); i < by_severity_.size(); ++i) count += by_severity_[i].total;
  return count;
}

std::vector<v1::Finding> FindingList::Take() {
  std::vector<v1::Finding> findings;
  for (auto list = by_severity_.rbegin(); list != by_severity_.rend(); ++list) {
    for (v1::Finding& finding : list->kept) {
      if (findings.size() < kMaxFindings) findings.push_back(std::move(finding));
    }
    *list = OfSeverity();
  }
  return findings;
}

void AddModule(absl::string_view name, v1::Finding& finding) {
  finding.set_module_count(finding.module_count() + 1);
  if (finding.modules_size() < FindingList::kMaxModules) finding.add_modules(std::string(name));
}

}  // namespace qconfig
