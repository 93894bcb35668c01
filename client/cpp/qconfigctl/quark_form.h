// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_FORM_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_FORM_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig::client {

// Read what Quark's own classes are written as. kInvalidArgument, beginning with the path: a key that there is not, a
// value of another type, or something required that is missing.

// Quark's QLayerConfig dictionary, with "name" and "description" beside its keys or around it ({"name": ..., "config":
// {...}}). A tensor is a dictionary as QTensorConfig.from_dict takes it (the older keys `dynamic` and `axis` too, and
// no observer becomes PlaceholderObserver), a list of one or two of those, or a spec: {"spec": "Int8PerTensorSpec",
// "fields": {...}} or {"spec": "ProgressiveSpec" or "ScaleQuantSpec", "first_stage": ..., "second_stage": ...}; "form"
// may stand for "spec". With any spec, the scheme has `spec`, else `config`.
absl::StatusOr<v1::Scheme> SchemeOfQuarkForm(const nlohmann::ordered_json& json);

// The keywords of LLMTemplate's constructor, with every algorithm configuration as its to_dict() writes it, and
// "description" and "labels".
absl::StatusOr<v1::LlmTemplate> TemplateOfQuarkForm(const nlohmann::ordered_json& json);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_FORM_H_
