// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_SCHEME_RULES_H_
#define QCONFIG_CORE_RUNTIMES_SCHEME_RULES_H_

#include <google/protobuf/descriptor.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// The accepted values of one field of a QTensorConfig.
struct FieldRule {
  const google::protobuf::FieldDescriptor* field;
  bool accepts_unset = false;
  std::vector<std::string> values;  // in Quark's spelling, the numbers of a list separated by commas
  std::optional<int> min;           // accepts all numbers from this one on
  std::optional<int> length;        // accepts all lists of this length
};

using StageRule = std::vector<FieldRule>;   // fields without a rule may have any value
using TensorRule = std::vector<StageRule>;  // one for each stage; empty: the tensor is not quantized

// One kind of layer configuration, which a runtime accepts or rejects.
struct SchemeRule {
  std::string id;
  std::vector<TensorRule> weight;  // alternatives; empty: any weight
  std::vector<TensorRule> input;   // alternatives; empty: any input
  std::vector<std::string> needs;  // keys of Runtime::needs
  std::string cause;               // why the runtime rejects it
  bool is_certain = true;          // false: inferred, not tried
};

// Which layer configurations a runtime accepts for one kind of layer: linear layers or experts. Immutable.
class SchemeRules {
 public:
  // kInvalidArgument, with a path: the data is malformed.
  static absl::StatusOr<SchemeRules> Read(absl::string_view json, const std::string& path);

  struct Verdict {
    bool accepted;
    const SchemeRule* rule;  // why
  };
  // Decides about `config`. Rejections come first, then the accepted kinds; the first rule that matches decides.
  Verdict Judge(const v1::QLayerConfig& config) const;

  // All rules, for checks of their references.
  const std::vector<SchemeRule>& accepted() const { return accepted_; }

 private:
  std::vector<SchemeRule> rejected_;
  std::vector<SchemeRule> accepted_;
  std::optional<SchemeRule> rejects_extras_;  // a quantized bias or output
  SchemeRule otherwise_;                      // why a configuration without a rule is rejected
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_SCHEME_RULES_H_
