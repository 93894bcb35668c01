// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_PLAN_GROUPS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_PLAN_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "qconfig/v1/plan.pb.h"

namespace qconfig::client {

// Modules with the same configuration and rule.
struct PlanGroup {
  std::string name;     // such as "model.layers.{0..31}.mlp.*" or "model.layers.{0..31}.self_attn.{k_proj,v_proj}"
  size_t modules = 0;   // how many
  uint32_t config = 0;  // as in PlanLayersResponse.config_of_module
  uint32_t rule = 0;    // as in PlanLayersResponse.rule_of_module
};

// kInternal: the response does not have a valid configuration and rule for each module of the request.
absl::Status CheckPlan(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response);

// Joins modules whose names differ in numbers, and then those below the same parent, in the order of the first module.
// A name ends in ".*" only if it covers everything below the parent. REQUIRES: CheckPlan() succeeds.
std::vector<PlanGroup> GroupModules(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_PLAN_GROUPS_H_
