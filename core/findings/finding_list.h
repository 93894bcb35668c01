// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_FINDING_LIST_H_
#define QCONFIG_CORE_FINDINGS_FINDING_LIST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/findings/module_kinds.h"
#include "core/plan/layer_plan.h"
#include "core/plan/module_list.h"
#include "core/snapshot.h"
#include "qconfig/v1/plan.pb.h"

namespace qconfig {

// What the searches for findings read.
struct PlanContext {
  const Snapshot& snapshot;
  const v1::ConfigSpec& spec;
  const v1::LlmTemplate& llm_template;
  const v1::QConfig& config;
  const ModuleList& modules;
  const ModuleKinds& kinds;
  const LayerPlan& plan;
  int64_t tensor_parallel_size;  // 0: not given
};

// The findings of a plan. Keeps the first kMaxFindings of each severity and counts the others.
class FindingList {
 public:
  static constexpr size_t kMaxFindings = 1000;
  static constexpr int kMaxModules = 10;

  // Adds a finding and returns it for completion. The pointer is valid until the next call.
  v1::Finding* Add(v1::FindingCode code, v1::FindingSeverity severity, std::string message, std::string fix = "");

  // The number of findings of `severity` or a higher one.
  int64_t Count(v1::FindingSeverity severity) const;
  int64_t total() const { return Count(v1::FINDING_SEVERITY_INFO); }

  // The first kMaxFindings findings, the most severe first. Leaves the list empty.
  std::vector<v1::Finding> Take();

 private:
  struct OfSeverity {
    std::vector<v1::Finding> kept;
    int64_t total = 0;
  };
  std::array<OfSeverity, 4> by_severity_;
  v1::Finding dropped_;
};

// Counts `name` as a module to which `finding` applies, and names it if there is room.
void AddModule(absl::string_view name, v1::Finding& finding);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_FINDING_LIST_H_
