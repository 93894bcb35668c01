// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_TENSOR_VOCABULARY_H_
#define QCONFIG_CORE_TENSOR_VOCABULARY_H_

#include <google/protobuf/descriptor.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// What a tensor's configuration can say in one Quark release, and what its constructor asks for.
struct TensorVocabulary {
  using Names = std::vector<std::string>;

  // The values that the release knows, as Quark spells and orders them, by the name of the contract's enum ("Dtype").
  std::map<std::string, Names, std::less<>> enums;
  // The observer classes by group: "all", "placeholder", and for the quantization scheme types that not every observer
  // fits, by Quark's name of the type ("per_group").
  std::map<std::string, Names, std::less<>> observers;

  // Data types that are only cast to, and such that have scales of their own. All others are scaled.
  std::set<v1::Dtype> cast;
  std::set<v1::Dtype> self_scaled;

  // Fields that must be given for some data types, in the order in which they are looked for.
  struct Requirement {
    std::set<v1::Dtype> dtypes;
    std::vector<const google::protobuf::FieldDescriptor*> fields;
  };
  std::vector<Requirement> requirements;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_TENSOR_VOCABULARY_H_
