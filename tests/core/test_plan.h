// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_CORE_TEST_PLAN_H_
#define QCONFIG_TESTS_CORE_TEST_PLAN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/finding_list.h"
#include "core/layer_plan.h"
#include "core/module_list.h"
#include "core/snapshot.h"
#include "qconfig/v1/config_spec.pb.h"

namespace qconfig {

// The modules of the architecture `model_type` in tests/golden/modules.json.
ModuleList::Messages ModulesOf(const std::string& model_type);

// Adds linear modules with these names, which may have ranges.
void AddLinear(const std::vector<std::string>& names, ModuleList::Messages& modules);

// A plan with everything to which it refers. Fails the test if it cannot be made.
class TestPlan {
 public:
  TestPlan(const Snapshot& snapshot, v1::ConfigSpec spec, ModuleList::Messages messages);
  TestPlan(const TestPlan&) = delete;
  TestPlan& operator=(const TestPlan&) = delete;

  const PlanContext& context() const { return context_; }

 private:
  const v1::ConfigSpec spec_;
  const ModuleList::Messages messages_;
  CancellationToken token_;
  const v1::QConfig config_;
  const ModuleList modules_;
  const LayerPlan plan_;
  const PlanContext context_;
};

// "ERROR RUNTIME_REJECTS_LINEAR" for each finding, the most severe first.
std::vector<std::string> Summarize(const std::vector<v1::Finding>& findings);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_CORE_TEST_PLAN_H_
