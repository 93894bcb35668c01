// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ALGORITHMS_H_
#define QCONFIG_CORE_ALGORITHMS_H_

#include <google/protobuf/message.h>

#include <vector>

#include "absl/strings/string_view.h"
#include "qconfig/v1/algorithm.pb.h"

namespace qconfig {

// The algorithms of the contract: the names of the fields of AlgoConfig. A catalogue may have fewer.
const std::vector<absl::string_view>& AlgorithmNames();

// The lower-case name of the algorithm that `config` configures. Empty if no field is set.
absl::string_view AlgorithmName(const v1::AlgoConfig& config);

// The configuration of that algorithm. Null if no field is set.
const google::protobuf::Message* AlgorithmFields(const v1::AlgoConfig& config);

// Makes `config` a configuration of `algorithm` and returns it. Null if the algorithm does not exist; `config` is then
// unchanged.
google::protobuf::Message* MutableAlgorithmFields(absl::string_view algorithm, v1::AlgoConfig& config);

// The key "name" of an algorithm in Quark's JSON.
struct AlgorithmJsonName {
  absl::string_view name;  // its value
  int position = 0;        // the number of keys before it
};
AlgorithmJsonName GetJsonName(v1::AlgoConfig::ConfigCase algorithm);

}  // namespace qconfig

#endif  // QCONFIG_CORE_ALGORITHMS_H_
