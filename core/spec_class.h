// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SPEC_CLASS_H_
#define QCONFIG_CORE_SPEC_CLASS_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/struct.pb.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// A Quark class that builds a tensor configuration, such as Int8PerTensorSpec.
struct SpecClass {
  struct Field {
    enum class Type { kBool, kInt, kString };

    std::string name;
    Type type = Type::kBool;
    std::optional<google::protobuf::Value> default_value;  // nullopt: the field is required
    // The field of QTensorConfig that it sets. Null: Quark accepts the field and ignores it.
    const google::protobuf::FieldDescriptor* target = nullptr;
    // Maps the values of the spec to those of QTensorConfig; the empty string then means None. Empty: values are equal.
    std::vector<std::pair<std::string, std::string>> names;
    // The integers that the class accepts. Empty: all.
    std::vector<int> integers;
  };

  std::string name;
  v1::QTensorConfig tensor;   // before the fields are applied
  std::vector<Field> fields;  // in the order of Quark's constructor
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_SPEC_CLASS_H_
