// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/layer_tensors.h"
#include "core/quark_json_reader.h"
#include "core/suggestion.h"
#include "qconfigctl/quark_format.h"
#include "qconfigctl/quark_nulls.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

bool IsSpec(const ordered_json& json) { return json.is_object() && json.contains("spec"); }

// Renames an older key of Quark's in `json`.
absl::Status Rename(const char* older, const char* newer, const std::string& path, ordered_json& json) {
  if (!json.contains(older)) return absl::OkStatus();
  if (json.contains(newer))
    return Invalid(Join(path, older), absl::StrCat("older name of ", newer, ", which is also set"));
  json[newer] = json[older];
  json.erase(older);
  return absl::OkStatus();
}

// Quark's QTensorConfig.from_dict.
absl::Status ReadTensor(ordered_json json, const std::string& path, v1::QTensorConfig& tensor) {
  if (!json.is_object()) return Invalid(path, "not an object");
  absl::Status status = Rename("dynamic", "is_dynamic", path, json);
  if (status.ok()) status = Rename("axis", "ch_axis", path, json);
  if (!status.ok()) return status;
  if (Member(json, "dtype").is_null()) return Invalid(Join(path, "dtype"), "required");
  if (!Member(json, "qat_spec").is_null()) {
    return Invalid(Join(path, "qat_spec"), "quantization-aware training is not supported; must be null");
  }
  status = ReadQuarkJson(json, path, tensor);
  if (status.ok()) status = RejectLostNulls(json, path, *tensor.GetDescriptor());
  return status;
}

absl::Status ReadFields(const ordered_json& json, const std::string& path, google::protobuf::Struct& fields) {
  if (!json.is_object()) return Invalid(path, "not an object");
  for (const auto& [key, value] : json.items()) {
    // A Struct does not distinguish 48.0 from 48. Quark's specs do, and all their numbers are integers.
    if (value.is_number_float()) return Invalid(Join(path, key), "not an integer");
  }
  const auto status = google::protobuf::util::JsonStringToMessage(json.dump(), &fields);
  return status.ok() ? absl::OkStatus() : Invalid(path, std::string(status.message()));
}

// The spec's class. REQUIRES: IsSpec(json).
absl::StatusOr<std::string> SpecName(const ordered_json& json, const std::string& path) {
  if (!json["spec"].is_string()) return Invalid(Join(path, "spec"), "not a string");
  return json["spec"].get<std::string>();
}

absl::Status ReadPreset(const ordered_json& json, const std::string& path, v1::SpecPreset& preset) {
  auto name = SpecName(json, path);
  if (!name.ok()) return name.status();
  if (*name == "ProgressiveSpec" || *name == "ScaleQuantSpec") {
    return Invalid(path, "a spec with two stages cannot be a stage");
  }
  absl::Status status = CheckKeys(json, path, {"spec", "fields"});
  if (!status.ok()) return status;
  preset.set_spec(*std::move(name));
  const ordered_json& fields = Member(json, "fields");
  return fields.is_null() ? absl::OkStatus() : ReadFields(fields, Join(path, "fields"), *preset.mutable_fields());
}

absl::Status ReadStage(const ordered_json& json, const std::string& path, v1::StageSpec& stage) {
  return IsSpec(json) ? ReadPreset(json, path, *stage.mutable_preset())
                      : ReadTensor(json, path, *stage.mutable_config());
}

absl::Status ReadSpec(const ordered_json& json, const std::string& path, v1::TensorSpec& tensor) {
  const auto name = SpecName(json, path);
  if (!name.ok()) return name.status();
  if (*name != "ProgressiveSpec" && *name != "ScaleQuantSpec") return ReadPreset(json, path, *tensor.mutable_preset());
  absl::Status status = CheckKeys(json, path, {"spec", "first_stage", "second_stage"});
  if (!status.ok()) return status;
  v1::TwoStageSpec& stages = *name == "ProgressiveSpec" ? *tensor.mutable_progressive() : *tensor.mutable_scale_quant();
  for (const char* key : {"first_stage", "second_stage"}) {
    if (Member(json, key).is_null()) return Invalid(Join(path, key), "required");
  }
  status = ReadStage(json["first_stage"], Join(path, "first_stage"), *stages.mutable_first_stage());
  return status.ok() ? ReadStage(json["second_stage"], Join(path, "second_stage"), *stages.mutable_second_stage())
                     : status;
}

// Reads one or two stages that are not specs.
absl::StatusOr<std::vector<v1::QTensorConfig>> ReadStages(const ordered_json& json, const std::string& path) {
  std::vector<v1::QTensorConfig> stages;
  if (!json.is_array()) {
    const absl::Status status = ReadTensor(json, path, stages.emplace_back());
    if (!status.ok()) return status;
    return stages;
  }
  if (json.empty() || json.size() > 2) return Invalid(path, "must have one or two stages");
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string stage_path = absl::StrCat(path, "[", i, "]");
    if (IsSpec(json[i])) {
      return Invalid(stage_path, "a list cannot contain specs; use ProgressiveSpec or ScaleQuantSpec for two stages");
    }
    // Quark would keep the list in its answer. A message cannot distinguish it from the stage itself.
    if (json.size() == 1) return Invalid(path, "a single stage must not be in a list");
    const absl::Status status = ReadTensor(json[i], stage_path, stages.emplace_back());
    if (!status.ok()) return status;
  }
  return stages;
}

// Reads a tensor that is not a spec, in a scheme where other tensors are.
absl::Status ReadFullTensor(const ordered_json& json, const std::string& path, v1::TensorSpec& tensor) {
  const auto stages = ReadStages(json, path);
  if (!stages.ok()) return stages.status();
  if (stages->size() == 1) {
    *tensor.mutable_config() = stages->front();
    return absl::OkStatus();
  }
  v1::TwoStageSpec& two =
      stages->back().is_scale_quant() ? *tensor.mutable_scale_quant() : *tensor.mutable_progressive();
  *two.mutable_first_stage()->mutable_config() = stages->front();
  *two.mutable_second_stage()->mutable_config() = stages->back();
  return absl::OkStatus();
}

absl::Status ReadTargetDevice(const ordered_json& json, const std::string& path, v1::DeviceType& device) {
  if (json.is_null()) return absl::OkStatus();
  if (!json.is_string()) return Invalid(path, "not a string");
  const auto& name = json.get_ref<const std::string&>();
  // The values of Quark's enum, and the names of its members.
  const std::pair<absl::string_view, v1::DeviceType> kDevices[] = {{"cpu", v1::DEVICE_TYPE_CPU},
                                                                   {"CPU", v1::DEVICE_TYPE_CPU},
                                                                   {"ipu", v1::DEVICE_TYPE_IPU},
                                                                   {"IPU", v1::DEVICE_TYPE_IPU}};
  for (const auto& [known, value] : kDevices) {
    if (name != known) continue;
    device = value;
    return absl::OkStatus();
  }
  return Invalid(path, absl::StrCat("unknown device ", Quoted(name), Suggestion(name, {"cpu", "ipu"})));
}

absl::Status ReadLayerConfig(const ordered_json& json, const std::string& path, v1::QLayerConfig& layer) {
  for (const LayerTensor& tensor : kLayerTensors) {
    const ordered_json& json_tensor = Member(json, tensor.name);
    if (json_tensor.is_null()) continue;
    const auto stages = ReadStages(json_tensor, Join(path, tensor.name));
    if (!stages.ok()) return stages.status();
    for (const v1::QTensorConfig& stage : *stages) *(layer.*tensor.mutable_stages)()->Add() = stage;
  }
  return absl::OkStatus();
}

absl::Status ReadLayerSpec(const ordered_json& json, const std::string& path, v1::LayerSpec& layer) {
  for (const LayerTensor& tensor : kLayerTensors) {
    const ordered_json& json_tensor = Member(json, tensor.name);
    if (json_tensor.is_null()) continue;
    v1::TensorSpec& spec = *(layer.*tensor.mutable_spec)();
    const std::string tensor_path = Join(path, tensor.name);
    const absl::Status status =
        IsSpec(json_tensor) ? ReadSpec(json_tensor, tensor_path, spec) : ReadFullTensor(json_tensor, tensor_path, spec);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Ignores keys of `json` that do not belong to a layer.
absl::Status ReadLayer(const ordered_json& json, const std::string& path, v1::Scheme& scheme) {
  v1::DeviceType device = v1::DEVICE_TYPE_UNSPECIFIED;
  const absl::Status status = ReadTargetDevice(Member(json, "target_device"), Join(path, "target_device"), device);
  if (!status.ok()) return status;
  bool has_spec = false;
  for (const LayerTensor& tensor : kLayerTensors) has_spec = has_spec || IsSpec(Member(json, tensor.name));
  if (has_spec) {
    scheme.mutable_spec()->set_target_device(device);
    return ReadLayerSpec(json, path, *scheme.mutable_spec());
  }
  scheme.mutable_config()->set_target_device(device);
  return ReadLayerConfig(json, path, *scheme.mutable_config());
}

}  // namespace

bool IsQuarkScheme(const ordered_json& json) {
  if (!json.is_object()) return false;
  if (json.contains("target_device") || json.contains("global_quant_config")) return true;
  return std::any_of(std::begin(kLayerTensors), std::end(kLayerTensors),
                     [&json](const LayerTensor& tensor) { return json.contains(tensor.name); });
}

absl::StatusOr<v1::Scheme> SchemeFromQuark(const ordered_json& json) {
  std::vector<absl::string_view> keys;
  keys.reserve(std::size(kLayerTensors));
  for (const LayerTensor& tensor : kLayerTensors) keys.emplace_back(tensor.name);
  keys.push_back("target_device");
  const std::vector<absl::string_view> layer_keys = keys;
  const bool wrapped = json.is_object() && json.contains("config");
  if (wrapped) keys.clear();
  keys.insert(keys.end(), {"name", "description", "labels", "config"});
  if (json.is_object() && json.contains("global_quant_config")) {
    return Invalid("global_quant_config",
                   "unknown key; a scheme describes one layer: register the value of global_quant_config");
  }
  absl::Status status = CheckKeys(json, "", keys);
  if (!status.ok()) return status;
  v1::Scheme scheme;
  status = ReadString(Member(json, "name"), "name", *scheme.mutable_name());
  if (status.ok()) status = ReadString(Member(json, "description"), "description", *scheme.mutable_description());
  if (status.ok()) status = ReadLabels(Member(json, "labels"), *scheme.mutable_labels());
  if (!status.ok()) return status;
  if (wrapped) {
    status = CheckKeys(json["config"], "config", layer_keys);
    if (status.ok()) status = ReadLayer(json["config"], "config", scheme);
  } else if (json.size() == json.count("name") + json.count("description") + json.count("labels")) {
    return Invalid(
        "", "no configuration; set \"config\" or any of input_tensors, output_tensors, weight, bias, target_device");
  } else {
    status = ReadLayer(json, "", scheme);
  }
  if (!status.ok()) return status;
  return scheme;
}

}  // namespace qconfig::client
