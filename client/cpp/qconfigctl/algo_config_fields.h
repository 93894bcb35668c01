// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_FIELDS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_FIELDS_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/config_spec.pb.h"

namespace qconfig::client {

// The name of an algorithm in the contract; empty if there is none.
std::string KnownAlgorithm(const std::string& name);

// Checks that the fields of an algorithm's configuration exist. `spec` has the model type, the scheme and the
// algorithms of the command line.
// kInvalidArgument, with where the fields belong and what to write: a field does not exist, or is not below the name of
// the algorithm. REQUIRES: `root` is an object.
absl::Status CheckAlgoConfigFields(const nlohmann::ordered_json& root, const v1::ConfigSpec& spec);

// A note about a configuration that leaves out what the template of `model_type` may set, which it replaces. Empty if
// it leaves out nothing of this kind.
std::string ReplacementNote(const v1::AlgoConfig& config, const std::string& model_type);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_FIELDS_H_
