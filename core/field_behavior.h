// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FIELD_BEHAVIOR_H_
#define QCONFIG_CORE_FIELD_BEHAVIOR_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "qconfig/v1/annotations.pb.h"

namespace qconfig {

// Whether the contract annotates `field` with `behavior`.
bool HasBehavior(const google::protobuf::FieldDescriptor& field, v1::FieldBehavior behavior);

// Clears the output-only fields of `message` and of the messages in it.
void ClearOutputOnly(google::protobuf::Message& message);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FIELD_BEHAVIOR_H_
