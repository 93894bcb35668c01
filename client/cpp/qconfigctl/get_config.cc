// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/json_util.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/print.h"
#include "qconfigctl/revision_options.h"

namespace qconfig::client {
namespace {

struct Arguments {
  std::string model_type, scheme, kv_cache_scheme, attention_scheme;
  double min_kv_scale = 0;
  std::vector<std::string> algorithms, algorithm_configs, layers, layer_types, exclude, shared_scale_groups;
  bool exclude_nothing = false, share_no_scales = false;
  std::string output = "quark-json";
  RevisionOptions revisions;
};

// "KEY=SCHEME", cut at the last "=", because a pattern may have some.
std::pair<std::string, std::string> CutAtScheme(const std::string& text, const std::string& flag) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos) {
    throw CLI::ValidationError(flag, absl::StrCat("\"", text, "\" has no =; write it as KEY=SCHEME"));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// Every algorithm configuration is ProtoJSON of an AlgoConfig: {"gptq": {"block_size": 64}}.
void AddAlgorithmConfig(const std::string& json, v1::GetConfigRequest& request) {
  v1::AlgoConfigEntry& entry = *request.add_algo_configs();
  const auto status = google::protobuf::util::JsonStringToMessage(json, entry.mutable_config());
  const auto* descriptor = v1::AlgoConfig::descriptor();
  const auto* field = descriptor->FindFieldByNumber(entry.config().config_case());
  if (!status.ok() || field == nullptr) {
    throw CLI::ValidationError(
        "--algo-config", absl::StrCat("not an algorithm's configuration such as {\"gptq\": {\"block_size\": 64}}: ",
                                      json, status.ok() ? "" : absl::StrCat(" (", std::string(status.message()), ")")));
  }
  entry.set_algorithm(field->name());
}

v1::GetConfigRequest RequestOf(const Arguments& arguments) {
  v1::GetConfigRequest request;
  request.set_model_type(arguments.model_type);
  request.set_scheme(arguments.scheme);
  request.set_kv_cache_scheme(arguments.kv_cache_scheme);
  request.set_min_kv_scale(arguments.min_kv_scale);
  request.set_attention_scheme(arguments.attention_scheme);
  arguments.revisions.FillIn(request);
  for (const std::string& algorithm : arguments.algorithms) request.add_algorithm(algorithm);
  for (const std::string& config : arguments.algorithm_configs) AddAlgorithmConfig(config, request);
  for (const std::string& layer : arguments.layers) {
    const auto [pattern, scheme] = CutAtScheme(layer, "--layer");
    v1::LayerConfigEntry& entry = *request.add_layer_config();
    entry.set_pattern(pattern);
    entry.set_scheme(scheme);
  }
  for (const std::string& layer_type : arguments.layer_types) {
    const auto [type, scheme] = CutAtScheme(layer_type, "--layer-type");
    v1::LayerTypeConfigEntry& entry = *request.add_layer_type_config();
    entry.set_layer_type(type);
    entry.set_scheme(scheme);
  }
  if (arguments.exclude_nothing || !arguments.exclude.empty()) request.mutable_exclude_layers();
  for (const std::string& pattern : arguments.exclude) request.mutable_exclude_layers()->add_patterns(pattern);
  if (arguments.share_no_scales || !arguments.shared_scale_groups.empty()) request.mutable_shared_scale_groups();
  for (const std::string& suffixes : arguments.shared_scale_groups) {
    v1::SharedScaleGroup& group = *request.mutable_shared_scale_groups()->add_groups();
    for (const auto suffix : absl::StrSplit(suffixes, ',')) group.add_layer_suffixes(std::string(suffix));
  }
  request.set_include_quark_json(arguments.output == "quark-json");
  return request;
}

int Run(const Arguments& arguments, const ClientOptions& options) {
  const auto response = Client(options).GetConfig(RequestOf(arguments));
  if (!response.ok()) return PrintError(response.status(), options);
  PrintWarnings(*response);
  if (arguments.output == "json") {
    PrintJson(response->config());
  } else if (arguments.output == "response") {
    PrintJson(*response);
  } else if (arguments.output == "textproto") {
    PrintTextproto(response->config());
  } else {
    const auto json = nlohmann::ordered_json::parse(response->quark_json(), nullptr, /*allow_exceptions=*/false);
    std::cout << json.dump(2) << '\n';
  }
  return kDone;
}

}  // namespace

void AddGetConfig(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("get-config", "Print the configuration for a model type and a scheme");
  command->add_option("model_type", arguments->model_type, "Model type, such as llama")->required();
  command->add_option("--scheme", arguments->scheme, "Scheme of all layers, such as fp8")->required();
  command->add_option("--kv-cache-scheme", arguments->kv_cache_scheme, "Scheme of the KV cache: fp8");
  command->add_option("--min-kv-scale", arguments->min_kv_scale, "Smallest scale of the KV cache");
  command->add_option("--attention-scheme", arguments->attention_scheme, "Scheme of attention: fp8");
  command->add_option("--layer", arguments->layers, "PATTERN=SCHEME for layers by name; first match wins")
      ->allow_extra_args(false);
  command->add_option("--layer-type", arguments->layer_types, "TYPE=SCHEME for Linear, Conv2d or ConvTranspose2d")
      ->allow_extra_args(false);
  CLI::Option* exclude = command->add_option("--exclude", arguments->exclude,
                                             "Pattern of layers to leave as they are, instead of the template's");
  exclude->allow_extra_args(false);
  command->add_flag("--exclude-nothing", arguments->exclude_nothing, "Leave no layer as it is")->excludes(exclude);
  command->add_option("--algorithm", arguments->algorithms, "Algorithm to run, such as awq")->allow_extra_args(false);
  command
      ->add_option("--algo-config", arguments->algorithm_configs,
                   "An algorithm's configuration in ProtoJSON, such as '{\"gptq\": {\"block_size\": 64}}'")
      ->allow_extra_args(false);
  CLI::Option* groups = command->add_option("--shared-scale-group", arguments->shared_scale_groups,
                                            "Projections that share a scale, such as q_proj,k_proj,v_proj");
  groups->allow_extra_args(false);
  command->add_flag("--no-shared-scales", arguments->share_no_scales, "No projections share a scale")->excludes(groups);
  arguments->revisions.AddTo(*command);
  command
      ->add_option("-o,--output", arguments->output,
                   "Form of the output; response: also catalogue, revision, digests and warnings")
      ->check(CLI::IsMember({"quark-json", "json", "textproto", "response"}))
      ->capture_default_str();
  command->callback([arguments, &options, &exit_code] { exit_code = Run(*arguments, options); });
}

}  // namespace qconfig::client
