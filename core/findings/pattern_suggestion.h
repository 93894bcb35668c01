// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_PATTERN_SUGGESTION_H_
#define QCONFIG_CORE_FINDINGS_PATTERN_SUGGESTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/cancellation.h"
#include "core/findings/name_shapes.h"
#include "core/plan/layer_plan.h"
#include "core/plan/module_list.h"

namespace qconfig {

// Suggests patterns that match modules instead of patterns that do not. Not thread-safe.
class PatternSuggester {
 public:
  // After this many searches, there are no suggestions. A search takes at most a few milliseconds.
  static constexpr int kMaxSearches = 20;

  // All must outlive the object. `plan` is that of `modules`.
  PatternSuggester(const ModuleList& modules, const LayerPlan& plan, NameShapes& shapes)
      : modules_(modules), plan_(plan), shapes_(shapes) {}

  // A pattern that matches a module which Quark can quantize, and differs from `pattern` in a misspelled part, or in
  // parts that are missing at the start or the end. Empty if there is none. An error of `token`: the computation was
  // cancelled. REQUIRES: `pattern` matches no module.
  absl::StatusOr<std::string> Suggest(absl::string_view pattern, CancellationToken& token);

 private:
  absl::Status CollectParts(CancellationToken& token);
  bool IsKnown(absl::string_view part, bool whole) const;
  std::string Corrected(absl::string_view pattern) const;

  const ModuleList& modules_;
  const LayerPlan& plan_;
  NameShapes& shapes_;
  int searches_ = 0;
  std::vector<absl::string_view> parts_;  // of the names of modules, without numbers
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_PATTERN_SUGGESTION_H_
