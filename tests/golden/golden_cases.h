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
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// The cases of tests/golden/quark-<release>/<name>.jsonl.gz, one JSON object each. Aborts when the file is broken.
std::vector<nlohmann::ordered_json> ReadGoldenCases(const std::string& release, const std::string& name);

// The request of a case, which names Quark's keywords.
v1::GetConfigRequest RequestOf(const nlohmann::ordered_json& request);

// An algorithm configuration that a case gives to Quark's constructor.
v1::AlgoConfig AlgoConfigOf(const std::string& algorithm, const nlohmann::ordered_json& fields);

// A tensor's configuration in Quark's member names.
v1::QTensorConfig TensorOf(const nlohmann::ordered_json& tensor);

// What a case registers before it asks: schemes with `config`, and templates.
std::vector<v1::Scheme> SchemesOf(const nlohmann::ordered_json& register_schemes);
std::vector<v1::LlmTemplate> TemplatesOf(const nlohmann::ordered_json& register_templates);

// What is wrong with `response` as the answer to a case that Quark answers; empty when nothing is.
std::string DifferenceFrom(const nlohmann::ordered_json& golden, const v1::GetConfigResponse& response);

// What is wrong with `error` as the answer to a case that Quark refuses; empty when nothing is.
std::string DifferenceFrom(const nlohmann::ordered_json& golden, const v1::ItemError& error);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_GOLDEN_GOLDEN_CASES_H_
