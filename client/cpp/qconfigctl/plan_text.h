// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_PLAN_TEXT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_PLAN_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "qconfig/v1/plan.pb.h"

namespace qconfig::client {

// Returns the plan for people: groups of modules, findings and totals.
// kInternal: the response does not fit the request.
absl::StatusOr<std::string> PlanText(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response);

// Returns an object with the members "request" and "response" in ProtoJSON, without line breaks.
absl::StatusOr<std::string> PlanJson(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response);

// Returns a page that shows the plan in a browser, made from client/plan.html. kInternal: as above.
absl::StatusOr<std::string> PlanHtml(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response);

// The name of each configuration of the response: that of a scheme of the request where the configuration is that of
// the scheme, such as "fp8", else a description, such as "fp8 with output fp8_e4m3 per_tensor".
std::vector<std::string> ConfigNames(const v1::PlanLayersRequest& request, const v1::PlanLayersResponse& response);

// Returns, for example, "16.06 GB". Units are powers of 1000.
std::string BytesText(int64_t bytes);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_PLAN_TEXT_H_
