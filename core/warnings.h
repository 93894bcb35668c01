// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_WARNINGS_H_
#define QCONFIG_CORE_WARNINGS_H_

#include <google/protobuf/repeated_field.h>

#include "core/snapshot.h"
#include "qconfig/v1/config_service.pb.h"

namespace qconfig {

// Warnings about the configuration of `spec`, in the order of its fields.
// REQUIRES: ResolveConfig() succeeds for the same arguments.
google::protobuf::RepeatedPtrField<v1::Warning> FindWarnings(const Snapshot& snapshot, const v1::ConfigSpec& spec);

}  // namespace qconfig

#endif  // QCONFIG_CORE_WARNINGS_H_
