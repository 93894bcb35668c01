// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ALGORITHMS_H_
#define QCONFIG_CORE_ALGORITHMS_H_

#include <google/protobuf/message.h>

#include <vector>

#include "absl/strings/string_view.h"
#include "qconfig/v1/algorithm.pb.h"

namespace qconfig {

// The algorithms that the contract can express, by the names of AlgoConfig's fields. A catalogue may know fewer.
const std::vector<absl::string_view>& AlgorithmNames();

// The lower-case name of the algorithm that `config` is of. Empty when nothing is set.
absl::string_view AlgorithmOf(const v1::AlgoConfig& config);

// The fields of the algorithm that `config` is of. Null when nothing is set.
const google::protobuf::Message* AlgorithmFields(const v1::AlgoConfig& config);

// The fields of `algorithm`, which `config` then is of. Null, and nothing changed, when there is no such algorithm.
google::protobuf::Message* MutableAlgorithmFields(absl::string_view algorithm, v1::AlgoConfig& config);

// What Quark's JSON says of an algorithm beside its fields.
struct AlgorithmJsonName {
  absl::string_view name;  // the value of the key "name"
  int position = 0;        // how many keys come before it
};
AlgorithmJsonName JsonNameOf(v1::AlgoConfig::ConfigCase algorithm);

}  // namespace qconfig

#endif  // QCONFIG_CORE_ALGORITHMS_H_
