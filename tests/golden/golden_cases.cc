// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/golden_cases.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/quark_json_reader.h"
#include "tests/source_files.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "golden cases: %s\n", why.c_str());
  std::abort();
}

std::string Gunzip(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) Die("cannot open " + path);
  std::string text;
  std::array<char, 65536> buffer{};
  int size = 0;
  while ((size = gzread(file, buffer.data(), buffer.size())) > 0) text.append(buffer.data(), static_cast<size_t>(size));
  if (size < 0 || gzclose(file) != Z_OK) Die("cannot read " + path);
  return text;
}

ordered_json RuntimeJson(const v1::QConfig& config) {
  ordered_json groups = ordered_json::array();
  for (const v1::SharedScaleGroup& group : config.shared_scale_groups()) {
    ordered_json suffixes = ordered_json::array();
    for (const std::string& suffix : group.layer_suffixes()) suffixes.push_back(suffix);
    groups.push_back(suffixes);
  }
  ordered_json kv_cache_group = ordered_json::array();
  for (const std::string& pattern : config.kv_cache_group()) kv_cache_group.push_back(pattern);
  return {{"kv_cache_group", kv_cache_group},
          {"min_kv_scale", config.min_kv_scale()},
          {"shared_scale_groups", groups},
          {"sync_moe_expert_input_amax", config.sync_moe_expert_input_amax()},
          {"keep_prequantized_layers", config.keep_prequantized_layers()}};
}

// Reads a string or a list of strings. null is an empty list.
std::vector<std::string> ReadStrings(const ordered_json& json) {
  if (json.is_null()) return {};
  if (json.is_string()) return {json.get<std::string>()};
  return json.get<std::vector<std::string>>();
}

google::protobuf::RepeatedPtrField<v1::AlgoConfigEntry> ReadAlgoConfigEntries(const ordered_json& json) {
  google::protobuf::RepeatedPtrField<v1::AlgoConfigEntry> entries;
  for (const ordered_json& pair : json) {
    v1::AlgoConfigEntry& entry = *entries.Add();
    entry.set_algorithm(pair[0].get<std::string>());
    *entry.mutable_config() = ReadAlgoConfig(pair[1]["kind"].get<std::string>(), pair[1]["fields"]);
  }
  return entries;
}

// Maps the beginning of Quark's error messages to the status code and the reason of the same error here.
struct ErrorMapping {
  const char* text;
  absl::StatusCode code;
  v1::ErrorReason reason;
};
constexpr ErrorMapping kErrorMappings[] = {
    {"There is no model template", absl::StatusCode::kNotFound, v1::ERROR_REASON_TEMPLATE_NOT_FOUND},
    {"Unsupported quantization scheme", absl::StatusCode::kNotFound, v1::ERROR_REASON_SCHEME_NOT_FOUND},
    {"Unsupported algorithm", absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_UNSUPPORTED_ALGORITHM},
    {"Unsupported KV cache scheme", absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_UNSUPPORTED_KV_CACHE_SCHEME},
    {"Unsupported attention scheme", absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_UNSUPPORTED_ATTENTION_SCHEME},
    {"No built-in", absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ALGORITHM_CONFIG_MISSING},
};

}  // namespace

std::vector<ordered_json> ReadGoldenCases(const std::string& release, const std::string& name) {
  std::istringstream lines(Gunzip(SourceFile(absl::StrCat("tests/golden/quark-", release, "/", name, ".jsonl.gz"))));
  std::vector<ordered_json> cases;
  for (std::string line; std::getline(lines, line);) cases.push_back(ordered_json::parse(line));
  if (cases.empty()) Die(name + " has no cases");
  return cases;
}

v1::AlgoConfig ReadAlgoConfig(const std::string& algorithm, const ordered_json& fields) {
  v1::AlgoConfig config;
  google::protobuf::Message* message = MutableAlgorithmFields(algorithm, config);
  if (message == nullptr || !ReadQuarkJson(fields, algorithm, *message).ok()) Die("cannot read " + fields.dump());
  // Unset fields take Quark's defaults, so a None that is not the default has a separate field.
  const auto loss = fields.find("compute_scale_loss");
  if (loss != fields.end() && loss->is_null()) config.mutable_autosmoothquant()->set_compute_scale_loss_none(true);
  return config;
}

v1::QTensorConfig ReadTensor(const ordered_json& tensor) {
  v1::QTensorConfig message;
  const absl::Status status = ReadQuarkJson(tensor, "tensor", message);
  if (!status.ok()) Die(status.ToString());
  return message;
}

std::vector<v1::Scheme> ReadSchemes(const ordered_json& register_schemes) {
  std::vector<v1::Scheme> schemes;
  for (const ordered_json& pair : register_schemes) {
    ordered_json layer = pair[1];
    // The golden cases have the name of the enum member, and Quark's JSON has its value.
    ordered_json& device = layer["target_device"];
    if (device.is_string()) device = absl::AsciiStrToLower(device.get<std::string>());
    v1::Scheme& scheme = schemes.emplace_back();
    scheme.set_name(pair[0].get<std::string>());
    const absl::Status status = ReadQuarkJson(layer, scheme.name(), *scheme.mutable_config());
    if (!status.ok()) Die(status.ToString());
  }
  return schemes;
}

std::vector<v1::LlmTemplate> ReadTemplates(const ordered_json& register_templates) {
  std::vector<v1::LlmTemplate> templates;
  for (const ordered_json& json : register_templates) {
    v1::LlmTemplate& entry = templates.emplace_back();
    for (const auto& [key, value] : json.items()) {
      if (key == "model_type") {
        entry.set_model_type(value.get<std::string>());
      } else if (key == "algorithm_configs") {
        *entry.mutable_algorithm_configs() = ReadAlgoConfigEntries(value);
      } else {
        const auto* field = v1::LlmTemplate::descriptor()->FindFieldByName(key);
        if (field == nullptr) Die("unknown field of a template: " + key);
        for (const std::string& pattern : ReadStrings(value)) entry.GetReflection()->AddString(&entry, field, pattern);
      }
    }
  }
  return templates;
}

v1::GetConfigRequest ReadRequest(const ordered_json& json) {
  v1::GetConfigRequest request;
  for (const auto& [key, value] : json.items()) {
    if (key == "model_type") {
      request.mutable_spec()->set_model_type(value.get<std::string>());
    } else if (key == "scheme") {
      request.mutable_spec()->set_scheme(value.get<std::string>());
    } else if (key == "algorithm") {
      for (const std::string& name : ReadStrings(value)) request.mutable_spec()->add_algorithm(name);
    } else if (key == "kv_cache_scheme") {
      request.mutable_spec()->set_kv_cache_scheme(value.get<std::string>());
    } else if (key == "min_kv_scale") {
      request.mutable_spec()->set_min_kv_scale(value.get<double>());
    } else if (key == "attention_scheme") {
      request.mutable_spec()->set_attention_scheme(value.get<std::string>());
    } else if (key == "layer_config") {
      for (const ordered_json& pair : value) {
        v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
        entry.set_pattern(pair[0].get<std::string>());
        entry.set_scheme(pair[1].get<std::string>());
      }
    } else if (key == "layer_type_config") {
      for (const ordered_json& pair : value) {
        v1::LayerTypeConfigEntry& entry = *request.mutable_spec()->add_layer_type_config();
        entry.set_layer_type(pair[0].get<std::string>());
        entry.set_scheme(pair[1].get<std::string>());
      }
    } else if (key == "exclude_layers") {
      request.mutable_spec()->mutable_exclude_layers();
      for (const ordered_json& pattern : value) {
        request.mutable_spec()->mutable_exclude_layers()->add_patterns(pattern.get<std::string>());
      }
    } else if (key == "algo_configs") {
      *request.mutable_spec()->mutable_algo_configs() = ReadAlgoConfigEntries(value);
    } else if (key == "shared_scale_groups") {
      request.mutable_spec()->mutable_shared_scale_groups();
      for (const ordered_json& suffixes : value) {
        v1::SharedScaleGroup& group = *request.mutable_spec()->mutable_shared_scale_groups()->add_groups();
        for (const ordered_json& suffix : suffixes) group.add_layer_suffixes(suffix.get<std::string>());
      }
    } else {
      Die("unknown field of a request: " + key);
    }
  }
  request.set_include_quark_json(true);
  return request;
}

// Whether a request has an empty model type or any empty scheme.
bool LacksRequired(const ordered_json& request) {
  const v1::ConfigSpec spec = ReadRequest(request).spec();
  const auto no_scheme = [](const auto& entry) { return entry.scheme().empty(); };
  return spec.model_type().empty() || spec.scheme().empty() ||
         std::any_of(spec.layer_config().begin(), spec.layer_config().end(), no_scheme) ||
         std::any_of(spec.layer_type_config().begin(), spec.layer_type_config().end(), no_scheme);
}

std::string DifferenceFrom(const ordered_json& golden, const v1::GetConfigResponse& response) {
  const auto config = golden.find("config");
  if (config == golden.end()) return absl::StrCat("Quark rejects the request: ", golden["error"].dump());
  // Compares objects including the order of their keys, and numbers by value.
  const ordered_json answer = ordered_json::parse(response.quark_json());
  if (answer != *config) return absl::StrCat("server ", answer.dump(), "\nQuark  ", config->dump());
  const ordered_json runtime = RuntimeJson(response.config());
  ordered_json golden_runtime = golden["runtime"];
  // None and an empty list are equivalent for this field.
  if (golden_runtime["kv_cache_group"].is_null()) golden_runtime["kv_cache_group"] = ordered_json::array();
  if (runtime != golden_runtime) return absl::StrCat("server ", runtime.dump(), "\nQuark  ", golden_runtime.dump());
  return "";
}

v1::PlanLayersRequest ReadPlanRequest(const ordered_json& golden) {
  static const ordered_json models = [] {
    std::ifstream file(SourceFile("tests/golden/modules.json"));
    return ordered_json::parse(file);
  }();
  v1::PlanLayersRequest request;
  *request.mutable_spec() = ReadRequest(golden["request"]).spec();
  for (const ordered_json& module : models.at(request.spec().model_type())) {
    v1::Module& added = *request.add_modules();
    added.set_name(module[0].get<std::string>());
    added.set_type(module[1].get<std::string>());
  }
  return request;
}

std::string DifferenceFrom(const ordered_json& golden, const v1::PlanLayersRequest& request,
                           const v1::PlanLayersResponse& plan) {
  std::vector<v1::QLayerConfig> configs;
  for (const ordered_json& config : golden["configs"]) {
    const absl::Status status = ReadQuarkJson(config, "configs", configs.emplace_back());
    if (!status.ok()) Die(status.ToString());
  }
  std::map<std::string, const v1::QLayerConfig*> expected;
  for (const ordered_json& layer : golden["layers"]) {
    expected[layer[0].get<std::string>()] = layer[1].is_null() ? nullptr : &configs.at(layer[1].get<size_t>());
  }
  for (int i = 0; i < request.modules_size(); ++i) {
    const auto it = expected.find(request.modules(i).name());
    if (it == expected.end()) continue;
    const auto config = static_cast<int>(plan.config_of_module(i));
    const std::string planned = config == 0 ? "not quantized" : plan.configs(config - 1).ShortDebugString();
    const std::string set_up = it->second == nullptr ? "not quantized" : it->second->ShortDebugString();
    if (planned != set_up) return absl::StrCat(it->first, ": planned ", planned, "\nQuark ", set_up);
    expected.erase(it);
  }
  return expected.empty() ? "" : absl::StrCat("not in modules.json: ", expected.begin()->first);
}

std::string DifferenceFrom(const ordered_json& golden, const v1::ItemError& error) {
  const auto quark_error = golden.find("error");
  if (quark_error == golden.end())
    return absl::StrCat("Quark accepts the request, but the server returns: ", error.message());
  const std::string text = (*quark_error)["message"].get<std::string>();
  if (LacksRequired(golden["request"])) {
    // Quark looks up the empty name; the server rejects a missing required field.
    return error.reason() == v1::ERROR_REASON_INVALID_REQUEST ? "" : error.ShortDebugString();
  }
  for (const ErrorMapping& known : kErrorMappings) {
    if (!absl::StartsWith(text, known.text)) continue;
    if (error.reason() == known.reason && error.code() == static_cast<int>(known.code)) return "";
    return absl::StrCat("Quark returns: ", text, "\nbut the server returns: ", error.ShortDebugString());
  }
  return absl::StrCat("unknown error message of Quark: ", text);
}

}  // namespace qconfig
