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

// The values that a tensor configuration can have in one Quark release, and the rules of its constructor.
struct TensorVocabulary {
  using Names = std::vector<std::string>;

  // The values of each enum, as Quark spells and orders them, by the name of the contract's enum ("Dtype").
  std::map<std::string, Names, std::less<>> enums;
  // The observer classes by group: "all", "placeholder", and one group for each quantization scheme type that accepts
  // only some observers, by Quark's name of the type ("per_group").
  std::map<std::string, Names, std::less<>> observers;

  // Data types that values are only cast to, and data types that include their own scales. All others are scaled.
  std::set<v1::Dtype> cast;
  std::set<v1::Dtype> self_scaled;

  // Fields that some data types require, in the order of Quark's checks.
  struct Requirement {
    std::set<v1::Dtype> dtypes;
    std::vector<const google::protobuf::FieldDescriptor*> fields;
  };
  std::vector<Requirement> requirements;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_TENSOR_VOCABULARY_H_
