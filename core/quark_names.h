// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_QUARK_NAMES_H_
#define QCONFIG_CORE_QUARK_NAMES_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>

#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// Quark's spelling of an enum value, such as "fp8_e4m3". Empty for a value that Quark writes as null.
const std::string& QuarkName(const google::protobuf::EnumValueDescriptor& value);

template <typename Enum>
const std::string& QuarkName(Enum value) {
  return QuarkName(*google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value));
}

// The value of `type` that Quark spells `name`, or null.
const google::protobuf::EnumValueDescriptor* FindByQuarkName(const google::protobuf::EnumDescriptor* type,
                                                             absl::string_view name);

}  // namespace qconfig

#endif  // QCONFIG_CORE_QUARK_NAMES_H_
