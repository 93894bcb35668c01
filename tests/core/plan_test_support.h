// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_CORE_PLAN_TEST_SUPPORT_H_
#define QCONFIG_TESTS_CORE_PLAN_TEST_SUPPORT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/snapshot.h"
#include "qconfig/v1/plan.pb.h"
#include "tests/core/test_support.h"

namespace qconfig {

// The modules of a Llama with 4 layers in the text format of PlanLayersRequest.
extern const char kLlamaModules[];

// "modules { ... }" for a Linear without a shape.
std::string LinearModule(absl::string_view name);

// The built-in catalogue with the template of a tenant, in the text format.
Snapshot WithTemplate(const std::string& llm_template);

// What FindPlanFindings() finds, the most severe first. `request` is a PlanLayersRequest in the text format. Fails the
// test if the plan fails.
std::vector<v1::Finding> FindingsOf(const std::string& request, const Snapshot& snapshot = Builtins());
std::vector<v1::Finding> FindingsOf(const v1::PlanLayersRequest& request, const Snapshot& snapshot = Builtins());

// One line for each finding: "<code> <severity> <field> <module count> <fix>". Fails the test if a message is empty.
std::string Lines(const std::vector<v1::Finding>& findings);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_CORE_PLAN_TEST_SUPPORT_H_
