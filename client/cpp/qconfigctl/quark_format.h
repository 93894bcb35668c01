// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_FORMAT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_FORMAT_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig::client {

// Parse Quark's own format. kInvalidArgument, with the path: an unknown key, a value of the wrong type, or a missing
// required key.

// Parses the dictionary of a QLayerConfig, with "name", "description" and "labels" next to its keys or around it
// ({"name": ..., "config": {...}}). A tensor is one of:
// - a dictionary that QTensorConfig.from_dict accepts, including the older keys `dynamic` and `axis`; an observer may
//   stay unset, for ReplaceObservers
// - a list of two such dictionaries
// - {"spec": "Int8PerTensorSpec", "fields": {...}}
// - {"spec": "ProgressiveSpec" or "ScaleQuantSpec", "first_stage": ..., "second_stage": ...}
// Sets the scheme's `spec` if any tensor has a spec, and `config` otherwise.
absl::StatusOr<v1::Scheme> SchemeFromQuark(const nlohmann::ordered_json& json);

// Whether `json` has keys that exist only in Quark's format.
bool IsQuarkScheme(const nlohmann::ordered_json& json);
bool IsQuarkTemplate(const nlohmann::ordered_json& json);

// Parses a dictionary with the keyword arguments of LLMTemplate's constructor, "description" and "labels". Algorithm
// configurations have the form that their to_dict() returns.
absl::StatusOr<v1::LlmTemplate> TemplateFromQuark(const nlohmann::ordered_json& json);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_FORMAT_H_
