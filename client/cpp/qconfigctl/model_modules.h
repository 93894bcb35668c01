// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_MODEL_MODULES_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_MODEL_MODULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "qconfig/v1/plan.pb.h"
#include "qconfigctl/module_rules.h"
#include "qconfigctl/tensor_list.h"

namespace qconfig::client {

// Facts from a model's config.json.
struct ModelFacts {
  std::string model_type;    // empty: unknown
  std::string architecture;  // such as "LlamaForCausalLM"; empty: unknown
  uint64_t experts = 0;      // of a layer; 0: none or unknown
};

struct Model {
  std::string model_type;
  google::protobuf::RepeatedPtrField<v1::Module> modules;  // with ranges in their names
  std::vector<std::string> notes;                          // what the user should know about the modules
};

// Returns the modules that Quark sees in a model with these tensors.
Model MakeModel(const TensorList& tensors, const ModelFacts& facts, const ModuleRules& rules);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_MODEL_MODULES_H_
