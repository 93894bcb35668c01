// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_CONFIG_TEXT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_CONFIG_TEXT_H_

#include <google/protobuf/repeated_field.h>

#include <string>

#include "qconfig/v1/quantization.pb.h"

namespace qconfig::client {

// Describe configurations for people.

// Returns, for example, "int4 per_group 128", with "then" between two stages; "-" for a tensor that is not quantized.
std::string StagesText(const google::protobuf::RepeatedPtrField<v1::QTensorConfig>& stages);

// Returns, for example, "fp8_e4m3 per_tensor, input fp8_e4m3 per_tensor"; "-" if nothing is quantized.
std::string ConfigText(const v1::QLayerConfig& config);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_CONFIG_TEXT_H_
