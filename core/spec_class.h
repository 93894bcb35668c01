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

// One of Quark's classes that stand for a tensor's configuration, such as Int8PerTensorSpec.
struct SpecClass {
  struct Field {
    enum class Type { kBool, kInt, kString };

    std::string name;
    Type type = Type::kBool;
    std::optional<google::protobuf::Value> default_value;  // none: the field is required
    // The field of QTensorConfig that it sets. Null: Quark takes the field and ignores it.
    const google::protobuf::FieldDescriptor* target = nullptr;
    // What Quark calls the value in QTensorConfig, by what it is called here; the empty text then stands for None.
    // Empty: every value is taken as it is.
    std::vector<std::pair<std::string, std::string>> names;
    // The only integers that the class takes. Empty: it takes all.
    std::vector<int> integers;
  };

  std::string name;
  v1::QTensorConfig tensor;   // what no field sets
  std::vector<Field> fields;  // in the order of Quark's constructor
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_SPEC_CLASS_H_
