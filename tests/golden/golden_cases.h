// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_GOLDEN_GOLDEN_CASES_H_
#define QCONFIG_TESTS_GOLDEN_GOLDEN_CASES_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/error.pb.h"
#include "qconfig/v1/plan.pb.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// Reads the cases of tests/golden/quark-<release>/<name>.jsonl.gz, one JSON object each. Aborts if the file is invalid.
std::vector<nlohmann::ordered_json> ReadGoldenCases(const std::string& release, const std::string& name);

// Converts the request of a case, which uses Quark's keywords.
v1::GetConfigRequest ReadRequest(const nlohmann::ordered_json& request);

// Makes a request for the plan of a case of "layers", with all modules of its model type from modules.json.
v1::PlanLayersRequest ReadPlanRequest(const nlohmann::ordered_json& golden);

// Converts the algorithm configuration that a case passes to Quark's constructor.
v1::AlgoConfig ReadAlgoConfig(const std::string& algorithm, const nlohmann::ordered_json& fields);

// Converts a tensor configuration, which uses Quark's member names.
v1::QTensorConfig ReadTensor(const nlohmann::ordered_json& tensor);

// Convert the schemes, which have `config`, and the templates that a case registers before its request.
std::vector<v1::Scheme> ReadSchemes(const nlohmann::ordered_json& register_schemes);
std::vector<v1::LlmTemplate> ReadTemplates(const nlohmann::ordered_json& register_templates);

// Describes how `response` differs from what Quark returns for a case. Empty if they are equal.
std::string DifferenceFrom(const nlohmann::ordered_json& golden, const v1::GetConfigResponse& response);

// Describes how the configurations of `plan` differ from those that a run of Quark sets up. `plan` is the answer to
// ReadPlanRequest(). Empty if they are equal.
std::string DifferenceFrom(const nlohmann::ordered_json& golden, const v1::PlanLayersRequest& request,
                           const v1::PlanLayersResponse& plan);

// Describes how `error` differs from the error that Quark raises for a case. Empty if they are equivalent.
std::string DifferenceFrom(const nlohmann::ordered_json& golden, const v1::ItemError& error);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_GOLDEN_GOLDEN_CASES_H_
