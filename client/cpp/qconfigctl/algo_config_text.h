// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_TEXT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/config_spec.pb.h"

namespace qconfig::client {

// Reads the value of --algo-config: ProtoJSON of an AlgoConfig, such as {"gptq": {"block_size": 64}}, or @FILE with it;
// @- is standard input. `spec` has the model type, the scheme and the algorithms of the command line.
// kInvalidArgument: the value is not JSON, the file is unreadable, or the configuration has fields that the algorithm
// does not have. The text says where fields of other tools belong.
absl::StatusOr<v1::AlgoConfig> ReadAlgoConfig(const std::string& value, const v1::ConfigSpec& spec);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_ALGO_CONFIG_TEXT_H_
