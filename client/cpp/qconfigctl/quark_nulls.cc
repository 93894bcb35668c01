// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/quark_nulls.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

// Fields that the catalogues' vocabularies declare as "... | None". The default of AutoSmoothQuant's compute_scale_loss
// is not None, so a separate field represents None.
constexpr absl::string_view kMayBeNone[] = {
    "AutoSmoothQuantConfig.scaling_layers",
    "AutoSmoothQuantConfig.model_decoder_layers",
    "AutoSmoothQuantConfig.compute_scale_loss",
    "OnlineRotationConfig.online_rotation_layers",
    "RotationConfig.rotation_size",
    "RotationConfig.online_r1_rotation",
    "RotationConfig.online_config",
    "RotationConfig.train_smooth",
    "RotationConfig.smooth_positions",
    "TwoBitScalarConfig.calib_batches",
    "TwoBitScalarConfig.include_layers",
    "TwoBitScalarConfig.exclude_layers",
    "TwoBitScalarConfig.dump_sidecar_dir",
};

bool KeepsNull(const FieldDescriptor& field) {
  if (field.containing_type() == v1::QTensorConfig::descriptor()) {
    if (field.name() == "max_input_numel") return false;  // unset means 4194304
    if (field.name() == "observer_cls") return true;      // Quark replaces null with PlaceholderObserver
    return field.has_presence() || field.is_repeated() || field.enum_type() != nullptr;
  }
  const std::string name = absl::StrCat(field.containing_type()->name(), ".", field.name());
  return std::find(std::begin(kMayBeNone), std::end(kMayBeNone), name) != std::end(kMayBeNone);
}

// The type of the items if the value for a field of `type` is a list.
const Descriptor* ItemType(const Descriptor* type) {
  return type == v1::ScalingLayerList::descriptor() ? v1::ScalingLayer::descriptor() : type;
}

}  // namespace

absl::Status RejectLostNulls(const ordered_json& json, const std::string& path, const Descriptor& type) {
  if (json.is_array()) {
    for (size_t i = 0; i < json.size(); ++i) {
      const absl::Status status = RejectLostNulls(json[i], absl::StrCat(path, "[", i, "]"), *ItemType(&type));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  if (!json.is_object()) return absl::OkStatus();
  for (const auto& [key, value] : json.items()) {
    const std::string value_path = Join(path, key);
    absl::Status status;
    if (&type == v1::RotationScalingLayersEntry::descriptor()) {
      status = RejectLostNulls(value, value_path, *v1::RotationScalingLayer::descriptor());
    } else if (const FieldDescriptor* field = type.FindFieldByName(key); field == nullptr) {
      continue;  // a key of Quark's that the message does not have
    } else if (value.is_null()) {
      if (!KeepsNull(*field)) return Invalid(value_path, "null is not supported; omit the key to use the default");
    } else if (field->message_type() != nullptr) {
      status = RejectLostNulls(value, value_path, *field->message_type());
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace qconfig::client
