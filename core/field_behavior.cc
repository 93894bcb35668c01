// SPDX-License-Identifier: Apache-2.0
#include "core/field_behavior.h"

#include <vector>

namespace qconfig {

using google::protobuf::FieldDescriptor;

bool HasBehavior(const FieldDescriptor& field, v1::FieldBehavior behavior) {
  const google::protobuf::FieldOptions& options = field.options();
  for (int i = 0; i < options.ExtensionSize(v1::field_behavior); ++i) {
    if (options.GetExtension(v1::field_behavior, i) == behavior) return true;
  }
  return false;
}

void ClearOutputOnly(google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (HasBehavior(*field, v1::FIELD_BEHAVIOR_OUTPUT_ONLY)) {
      reflection.ClearField(&message, field);
    } else if (field->message_type() == nullptr || field->is_map()) {
      continue;
    } else if (field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        ClearOutputOnly(*reflection.MutableRepeatedMessage(&message, field, i));
      }
    } else {
      ClearOutputOnly(*reflection.MutableMessage(&message, field));
    }
  }
}

}  // namespace qconfig
