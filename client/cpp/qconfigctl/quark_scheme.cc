// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/faults.h"
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
void Rename(const char* older, const char* newer, const std::string& path, ordered_json& json, Faults& faults) {
  if (!json.contains(older)) return;
  if (json.contains(newer)) {
    faults.Add(Join(path, older), absl::StrCat("older name of ", newer, ", which is also set"));
  } else {
    json[newer] = json[older];
  }
  json.erase(older);
}

// Quark's QTensorConfig.from_dict.
void ReadTensor(ordered_json json, const std::string& path, v1::QTensorConfig& tensor, Faults& faults) {
  if (!json.is_object()) return faults.Add(path, "not an object");
  if (json.empty()) {
    return faults.Add(path, "has no fields; if the tensor is not quantized, set it to null or remove it");
  }
  Rename("dynamic", "is_dynamic", path, json, faults);
  Rename("axis", "ch_axis", path, json, faults);
  if (Member(json, "dtype").is_null()) faults.Add(Join(path, "dtype"), "required");
  if (!Member(json, "qat_spec").is_null()) {
    faults.Add(Join(path, "qat_spec"), "quantization-aware training is not supported; must be null");
    json.erase("qat_spec");
  }
  const absl::Status status = ReadQuarkJson(json, path, tensor);
  faults.Add(status);
  if (status.ok()) RejectLostNulls(json, path, *tensor.GetDescriptor(), faults);
}

void ReadFields(const ordered_json& json, const std::string& path, google::protobuf::Struct& fields, Faults& faults) {
  if (!json.is_object()) return faults.Add(path, "not an object");
  for (const auto& [key, value] : json.items()) {
    // A Struct does not distinguish 48.0 from 48. Quark's specs do, and all their numbers are integers.
    if (value.is_number_float()) faults.Add(Join(path, key), "not an integer");
  }
  const auto status = google::protobuf::util::JsonStringToMessage(json.dump(), &fields);
  if (!status.ok()) faults.Add(path, std::string(status.message()));
}

// The spec's class; empty if it is not a string. REQUIRES: IsSpec(json).
std::string SpecName(const ordered_json& json, const std::string& path, Faults& faults) {
  if (json["spec"].is_string()) return json["spec"].get<std::string>();
  faults.Add(Join(path, "spec"), "not a string");
  return "";
}

bool HasTwoStages(absl::string_view spec) { return spec == "ProgressiveSpec" || spec == "ScaleQuantSpec"; }

void ReadPreset(const ordered_json& json, const std::string& path, v1::SpecPreset& preset, Faults& faults) {
  preset.set_spec(SpecName(json, path, faults));
  if (HasTwoStages(preset.spec())) return faults.Add(path, "a spec with two stages cannot be a stage");
  CheckKeys(json, path, {"spec", "fields"}, faults);
  const ordered_json& fields = Member(json, "fields");
  if (!fields.is_null()) ReadFields(fields, Join(path, "fields"), *preset.mutable_fields(), faults);
}

void ReadStage(const ordered_json& json, const std::string& path, v1::StageSpec& stage, Faults& faults) {
  IsSpec(json) ? ReadPreset(json, path, *stage.mutable_preset(), faults)
               : ReadTensor(json, path, *stage.mutable_config(), faults);
}

void ReadSpec(const ordered_json& json, const std::string& path, v1::TensorSpec& tensor, Faults& faults) {
  if (!json["spec"].is_string() || !HasTwoStages(json["spec"].get_ref<const std::string&>())) {
    return ReadPreset(json, path, *tensor.mutable_preset(), faults);
  }
  CheckKeys(json, path, {"spec", "first_stage", "second_stage"}, faults);
  v1::TwoStageSpec& stages =
      json["spec"] == "ProgressiveSpec" ? *tensor.mutable_progressive() : *tensor.mutable_scale_quant();
  const std::pair<const char*, v1::StageSpec*> kStages[] = {{"first_stage", stages.mutable_first_stage()},
                                                            {"second_stage", stages.mutable_second_stage()}};
  for (const auto& [key, stage] : kStages) {
    const ordered_json& json_stage = Member(json, key);
    if (json_stage.is_null()) {
      faults.Add(Join(path, key), "required");
    } else {
      ReadStage(json_stage, Join(path, key), *stage, faults);
    }
  }
}

// Reads one or two stages that are not specs.
std::vector<v1::QTensorConfig> ReadStages(const ordered_json& json, const std::string& path, Faults& faults) {
  std::vector<v1::QTensorConfig> stages;
  if (!json.is_array()) {
    ReadTensor(json, path, stages.emplace_back(), faults);
    return stages;
  }
  if (json.empty() || json.size() > 2) {
    faults.Add(path, "must have one or two stages");
    return stages;
  }
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string stage_path = absl::StrCat(path, "[", i, "]");
    if (IsSpec(json[i])) {
      faults.Add(stage_path, "a list cannot contain specs; use ProgressiveSpec or ScaleQuantSpec for two stages");
    } else if (json.size() == 1) {
      // Quark would keep the list in its answer. A message cannot distinguish it from the stage itself.
      faults.Add(path, "a single stage must not be in a list");
    } else {
      ReadTensor(json[i], stage_path, stages.emplace_back(), faults);
    }
  }
  return stages;
}

// Reads a tensor that is not a spec, in a scheme where other tensors are.
void ReadFullTensor(const ordered_json& json, const std::string& path, v1::TensorSpec& tensor, Faults& faults) {
  const std::vector<v1::QTensorConfig> stages = ReadStages(json, path, faults);
  if (stages.empty()) return;
  if (stages.size() == 1) {
    *tensor.mutable_config() = stages.front();
    return;
  }
  v1::TwoStageSpec& two =
      stages.back().is_scale_quant() ? *tensor.mutable_scale_quant() : *tensor.mutable_progressive();
  *two.mutable_first_stage()->mutable_config() = stages.front();
  *two.mutable_second_stage()->mutable_config() = stages.back();
}

void ReadTargetDevice(const ordered_json& json, const std::string& path, v1::DeviceType& device, Faults& faults) {
  if (json.is_null()) return;
  if (!json.is_string()) return faults.Add(path, "not a string");
  const auto& name = json.get_ref<const std::string&>();
  // The values of Quark's enum, and the names of its members.
  const std::pair<absl::string_view, v1::DeviceType> kDevices[] = {{"cpu", v1::DEVICE_TYPE_CPU},
                                                                   {"CPU", v1::DEVICE_TYPE_CPU},
                                                                   {"ipu", v1::DEVICE_TYPE_IPU},
                                                                   {"IPU", v1::DEVICE_TYPE_IPU}};
  for (const auto& [known, value] : kDevices) {
    if (name != known) continue;
    device = value;
    return;
  }
  faults.Add(path, absl::StrCat("unknown device ", Quoted(name), Suggestion(name, {"cpu", "ipu"})));
}

void ReadLayerConfig(const ordered_json& json, const std::string& path, v1::QLayerConfig& layer, Faults& faults) {
  for (const LayerTensor& tensor : kLayerTensors) {
    const ordered_json& json_tensor = Member(json, tensor.name);
    if (json_tensor.is_null()) continue;
    for (const v1::QTensorConfig& stage : ReadStages(json_tensor, Join(path, tensor.name), faults)) {
      *(layer.*tensor.mutable_stages)()->Add() = stage;
    }
  }
}

void ReadLayerSpec(const ordered_json& json, const std::string& path, v1::LayerSpec& layer, Faults& faults) {
  for (const LayerTensor& tensor : kLayerTensors) {
    const ordered_json& json_tensor = Member(json, tensor.name);
    if (json_tensor.is_null()) continue;
    v1::TensorSpec& spec = *(layer.*tensor.mutable_spec)();
    const std::string tensor_path = Join(path, tensor.name);
    IsSpec(json_tensor) ? ReadSpec(json_tensor, tensor_path, spec, faults)
                        : ReadFullTensor(json_tensor, tensor_path, spec, faults);
  }
}

// Ignores keys of `json` that do not belong to a layer.
void ReadLayer(const ordered_json& json, const std::string& path, v1::Scheme& scheme, Faults& faults) {
  v1::DeviceType device = v1::DEVICE_TYPE_UNSPECIFIED;
  ReadTargetDevice(Member(json, "target_device"), Join(path, "target_device"), device, faults);
  bool has_spec = false;
  for (const LayerTensor& tensor : kLayerTensors) has_spec = has_spec || IsSpec(Member(json, tensor.name));
  if (has_spec) {
    scheme.mutable_spec()->set_target_device(device);
    ReadLayerSpec(json, path, *scheme.mutable_spec(), faults);
  } else {
    scheme.mutable_config()->set_target_device(device);
    ReadLayerConfig(json, path, *scheme.mutable_config(), faults);
  }
}

}  // namespace

bool IsQuarkScheme(const ordered_json& json) {
  if (!json.is_object()) return false;
  if (json.contains("target_device")) return true;
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
  Faults faults;
  if (!CheckKeys(json, "", keys, faults)) return faults.ToStatus();
  v1::Scheme scheme;
  ReadString(Member(json, "name"), "name", *scheme.mutable_name(), faults);
  ReadString(Member(json, "description"), "description", *scheme.mutable_description(), faults);
  ReadLabels(Member(json, "labels"), *scheme.mutable_labels(), faults);
  if (wrapped) {
    if (CheckKeys(json["config"], "config", layer_keys, faults)) ReadLayer(json["config"], "config", scheme, faults);
  } else if (json.size() == json.count("name") + json.count("description") + json.count("labels")) {
    faults.Add("",
               "no configuration; set \"config\" or any of input_tensors, output_tensors, weight, bias, target_device");
  } else {
    ReadLayer(json, "", scheme, faults);
  }
  if (faults.count() > 0) return faults.ToStatus();
  return scheme;
}

}  // namespace qconfig::client
