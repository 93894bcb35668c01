// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_CORE_TEST_PLAN_H_
#define QCONFIG_TESTS_CORE_TEST_PLAN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/findings/finding_list.h"
#include "core/plan/layer_plan.h"
#include "core/plan/module_list.h"
#include "core/snapshot.h"
#include "qconfig/v1/config_spec.pb.h"
#include "qconfig/v1/plan.pb.h"
#include "tests/core/test_support.h"

namespace qconfig {

// The modules of a Llama with 4 layers in the text format of PlanLayersRequest.
extern const char kLlamaModules[];

// "modules { ... }" for a Linear without a shape.
std::string LinearModule(absl::string_view name);

// Adds linear modules with these names, which may have ranges.
void AddLinear(const std::vector<std::string>& names, ModuleList::Messages& modules);

// The modules of the architecture `model_type` in tests/golden/modules.json.
ModuleList::Messages ModulesOf(const std::string& model_type);

// The built-in catalogue with the template of a tenant, in the text format.
Snapshot WithTemplate(const std::string& llm_template);

// A plan with everything to which it refers. Aborts if it cannot be made.
class TestPlan {
 public:
  TestPlan(const Snapshot& snapshot, v1::ConfigSpec spec, ModuleList::Messages messages, int tensor_parallel_size = 0);
  TestPlan(const TestPlan&) = delete;
  TestPlan& operator=(const TestPlan&) = delete;

  const PlanContext& context() const { return context_; }

 private:
  const v1::ConfigSpec spec_;
  const ModuleList::Messages messages_;
  CancellationToken token_;
  const v1::QConfig config_;
  const ModuleList modules_;
  const ModuleKinds kinds_;
  const LayerPlan plan_;
  const PlanContext context_;
};

// What FindPlanFindings() finds, the most severe first. `request` is a PlanLayersRequest in the text format.
std::vector<v1::Finding> FindingsOf(const std::string& request, const Snapshot& snapshot = Builtins());
std::vector<v1::Finding> FindingsOf(const v1::PlanLayersRequest& request, const Snapshot& snapshot = Builtins());

// One line for each finding: "<code> <severity> <field> <module count> <fix>". Fails the test if a message is empty.
std::string Lines(const std::vector<v1::Finding>& findings);

// "ERROR RUNTIME_REJECTS_LINEAR" for each finding, the most severe first.
std::vector<std::string> Summarize(const std::vector<v1::Finding>& findings);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_CORE_TEST_PLAN_H_
