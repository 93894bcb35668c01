// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_WARNINGS_H_
#define QCONFIG_CORE_WARNINGS_H_

#include <google/protobuf/repeated_field.h>

#include "core/snapshot.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// Warnings about `spec` and the configuration that ResolveConfig() made of it, in the order of the fields of `spec`.
// The searches take a limited number of steps, not of seconds, so equal requests get equal warnings.
google::protobuf::RepeatedPtrField<v1::Warning> FindWarnings(const Snapshot& snapshot, const v1::ConfigSpec& spec,
                                                             const v1::QConfig& config);

}  // namespace qconfig

#endif  // QCONFIG_CORE_WARNINGS_H_
