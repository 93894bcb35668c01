// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_TEXT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "qconfig/v1/algorithm.pb.h"

namespace qconfig::client {

// Reads the value of --algo-config: ProtoJSON of an AlgoConfig, such as {"gptq": {"block_size": 64}}, or @FILE with it;
// @- is standard input. `algorithms` are those that the command line requests.
// kInvalidArgument: the value is not JSON, the file is unreadable, or the configuration has fields that the algorithm
// does not have. The text says where fields of other tools belong.
absl::StatusOr<v1::AlgoConfig> ReadAlgoConfig(const std::string& value, const std::vector<std::string>& algorithms,
                                              const std::string& model_type);

// A note about a configuration that leaves out what the template of `model_type` may set, which it replaces. Empty if
// it leaves out nothing of this kind.
std::string ReplacementNote(const v1::AlgoConfig& config, const std::string& model_type);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_TEXT_H_
