// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CONFIG_CLASS_H_
#define QCONFIG_CORE_CONFIG_CLASS_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <vector>

namespace qconfig {

// How one Quark release defines the configuration class of an algorithm, or a class nested in it.
struct ConfigClass {
  using Fields = std::vector<const google::protobuf::FieldDescriptor*>;

  std::unique_ptr<const google::protobuf::Message> defaults;  // of every field that has one
  Fields required;                                            // fields without a default
  Fields nullable;                                            // fields that may be None
  // Fields of the contract's message that the class does not have: other releases have them, or only requests do.
  Fields unlisted;

  bool Lists(const google::protobuf::FieldDescriptor& field) const {
    for (const auto* other : unlisted) {
      if (other == &field) return false;
    }
    return true;
  }
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_CONFIG_CLASS_H_
