// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ALGORITHM_RULES_H_
#define QCONFIG_CORE_ALGORITHM_RULES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// Describes one tensor of a layer. A member that is not set accepts every tensor.
struct TensorCondition {
  std::optional<int> stages;      // the number of quantization stages
  std::vector<v1::Dtype> dtypes;  // accepts one stage or more if the first has one of these types

  bool Accepts(const google::protobuf::RepeatedPtrField<v1::QTensorConfig>& tensor) const;
};

// What is known about some algorithms with some configurations of weights and inputs.
struct AlgorithmRule {
  enum class Effect {
    kFails,    // Quark fails when it quantizes the model
    kUnusual,  // Quark's documentation describes the algorithm for other configurations
  };

  std::vector<std::string> algorithms;  // lower-case names
  TensorCondition weight;
  TensorCondition input;
  bool negated = false;  // whether the rule applies to the layers that the conditions do not accept
  Effect effect = Effect::kFails;
  std::string text;  // a sentence without its subject, which is the algorithm

  // Whether the rule applies to a layer. Never applies to a layer whose weight is not quantized.
  bool AppliesTo(const v1::QLayerConfig& layer) const;
};

// Reads the form of core/algorithm_rules.json. kInvalidArgument, with a path: the data is malformed.
absl::StatusOr<std::vector<AlgorithmRule>> ReadAlgorithmRules(absl::string_view json);

// The first built-in rule about `algorithm`, a lower-case name, that applies to `layer`. Null if there is none.
// Thread-safe.
const AlgorithmRule* FindAlgorithmRule(absl::string_view algorithm, const v1::QLayerConfig& layer);

}  // namespace qconfig

#endif  // QCONFIG_CORE_ALGORITHM_RULES_H_
