// SPDX-License-Identifier: Apache-2.0
#include "core/quark_names.h"

#include "qconfig/v1/annotations.pb.h"

namespace qconfig {

const std::string& QuarkName(const google::protobuf::EnumValueDescriptor& value) {
  return value.options().GetExtension(v1::quark_name);
}

const google::protobuf::EnumValueDescriptor* FindByQuarkName(const google::protobuf::EnumDescriptor* type,
                                                             absl::string_view name) {
  for (int i = 0; i < type->value_count(); ++i) {
    if (!name.empty() && QuarkName(*type->value(i)) == name) return type->value(i);
  }
  return nullptr;
}

}  // namespace qconfig
