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

void RejectLostNulls(const ordered_json& json, const std::string& path, const Descriptor& type, Faults& faults) {
  if (json.is_array()) {
    for (size_t i = 0; i < json.size(); ++i) {
      RejectLostNulls(json[i], absl::StrCat(path, "[", i, "]"), *ItemType(&type), faults);
    }
    return;
  }
  if (!json.is_object()) return;
  for (const auto& [key, value] : json.items()) {
    const std::string value_path = Join(path, key);
    if (&type == v1::RotationScalingLayersEntry::descriptor()) {
      RejectLostNulls(value, value_path, *v1::RotationScalingLayer::descriptor(), faults);
      continue;
    }
    const FieldDescriptor* field = type.FindFieldByName(key);
    if (field == nullptr) continue;  // a key of Quark's that the message does not have
    if (value.is_null()) {
      if (!KeepsNull(*field)) faults.Add(value_path, "null is not supported; omit the key to use the default");
    } else if (field->message_type() != nullptr) {
      RejectLostNulls(value, value_path, *field->message_type(), faults);
    }
  }
}

}  // namespace qconfig::client
