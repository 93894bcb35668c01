// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/algorithms.h"
#include "core/utf8.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/file_tree.h"
#include "qconfigctl/output_text.h"
#include "qconfigctl/print.h"
#include "qconfigctl/proto_formats.h"
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

// Splits "KEY=SCHEME" at the last "=", because a pattern may contain "=".
std::pair<std::string, std::string> SplitAtScheme(const std::string& text, const std::string& flag) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos) {
    throw CLI::ValidationError(flag, absl::StrCat("\"", text, "\" has no '='; expected KEY=SCHEME"));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// `json` is ProtoJSON of an AlgoConfig, such as {"gptq": {"block_size": 64}}.
void AddAlgorithmConfig(const std::string& json, v1::ConfigSpec& spec) {
  v1::AlgoConfigEntry& entry = *spec.add_algo_configs();
  const auto tree = ParseStrictJson(json);
  const absl::Status status = tree.ok() ? ReadProtoJson(*tree, *entry.mutable_config()) : tree.status();
  if (!status.ok()) {
    throw CLI::ValidationError("--algo-config",
                               absl::StrCat("invalid; expected ProtoJSON such as {\"gptq\": {\"block_size\": 64}}: ",
                                            Printable(status.message(), 1000)));
  }
  entry.set_algorithm(std::string(AlgorithmName(entry.config())));
}

v1::ConfigSpec MakeSpec(const Arguments& arguments) {
  v1::ConfigSpec spec;
  spec.set_model_type(arguments.model_type);
  spec.set_scheme(arguments.scheme);
  spec.set_kv_cache_scheme(arguments.kv_cache_scheme);
  spec.set_min_kv_scale(arguments.min_kv_scale);
  spec.set_attention_scheme(arguments.attention_scheme);
  for (const std::string& algorithm : arguments.algorithms) spec.add_algorithm(algorithm);
  for (const std::string& config : arguments.algorithm_configs) AddAlgorithmConfig(config, spec);
  for (const std::string& layer : arguments.layers) {
    const auto [pattern, scheme] = SplitAtScheme(layer, "--layer");
    v1::LayerConfigEntry& entry = *spec.add_layer_config();
    entry.set_pattern(pattern);
    entry.set_scheme(scheme);
  }
  for (const std::string& layer_type : arguments.layer_types) {
    const auto [type, scheme] = SplitAtScheme(layer_type, "--layer-type");
    v1::LayerTypeConfigEntry& entry = *spec.add_layer_type_config();
    entry.set_layer_type(type);
    entry.set_scheme(scheme);
  }
  if (arguments.exclude_nothing || !arguments.exclude.empty()) spec.mutable_exclude_layers();
  for (const std::string& pattern : arguments.exclude) spec.mutable_exclude_layers()->add_patterns(pattern);
  if (arguments.share_no_scales || !arguments.shared_scale_groups.empty()) spec.mutable_shared_scale_groups();
  for (const std::string& suffixes : arguments.shared_scale_groups) {
    v1::SharedScaleGroup& group = *spec.mutable_shared_scale_groups()->add_groups();
    for (const auto suffix : absl::StrSplit(suffixes, ',')) group.add_layer_suffixes(std::string(suffix));
  }
  return spec;
}

// As in Quark, the configuration of an algorithm has no effect unless the algorithm is requested.
void WarnAboutUnusedConfigs(const v1::ConfigSpec& spec) {
  for (const v1::AlgoConfigEntry& entry : spec.algo_configs()) {
    const bool used = std::any_of(
        spec.algorithm().begin(), spec.algorithm().end(),
        [&entry](const std::string& algorithm) { return absl::EqualsIgnoreCase(algorithm, entry.algorithm()); });
    if (used) continue;
    std::cerr << "warning: --algo-config: " << entry.algorithm() << " is not requested; add --algorithm "
              << entry.algorithm() << '\n';
  }
}

int Run(const Arguments& arguments, const ClientOptions& options) {
  v1::GetConfigRequest request;
  *request.mutable_spec() = MakeSpec(arguments);
  arguments.revisions.FillIn(request);
  request.set_include_quark_json(arguments.output == "quark-json");
  WarnAboutUnusedConfigs(request.spec());
  const auto response = Client(options).GetConfig(request);
  if (!response.ok()) return PrintError(response.status(), options);
  PrintWarnings(response->warnings());
  if (arguments.output == "json") return PrintText(JsonText(response->config()));
  if (arguments.output == "response") return PrintText(JsonText(*response));
  if (arguments.output == "textproto") return PrintText(TextprotoText(response->config()));
  return PrintText(IndentedJson(response->quark_json()));
}

}  // namespace

void AddGetConfig(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("get-config", "Print the configuration for a model type and a scheme");
  command->add_option("model_type", arguments->model_type, "Model type, such as llama")->required();
  command->add_option("--scheme", arguments->scheme, "Scheme for all layers, such as fp8")->required();
  command->add_option("--kv-cache-scheme", arguments->kv_cache_scheme, "Scheme for the KV cache: fp8");
  command->add_option("--min-kv-scale", arguments->min_kv_scale, "Minimum scale of the KV cache");
  command->add_option("--attention-scheme", arguments->attention_scheme, "Scheme for attention: fp8");
  command->add_option("--layer", arguments->layers, "PATTERN=SCHEME: scheme for layers by name; the first match wins")
      ->allow_extra_args(false);
  command
      ->add_option("--layer-type", arguments->layer_types,
                   "TYPE=SCHEME: scheme for layers by type: Linear, Conv2d or ConvTranspose2d")
      ->allow_extra_args(false);
  CLI::Option* exclude = command->add_option("--exclude", arguments->exclude,
                                             "Pattern of layers not to quantize; replaces the template's list");
  exclude->allow_extra_args(false);
  command
      ->add_flag("--exclude-nothing", arguments->exclude_nothing,
                 "Do not exclude any layers, not even those in the template's list")
      ->excludes(exclude);
  command->add_option("--algorithm", arguments->algorithms, "Algorithm to run, such as awq")->allow_extra_args(false);
  command
      ->add_option("--algo-config", arguments->algorithm_configs,
                   "Configuration of an algorithm as ProtoJSON, such as '{\"gptq\": {\"block_size\": 64}}'")
      ->allow_extra_args(false);
  CLI::Option* groups = command->add_option("--shared-scale-group", arguments->shared_scale_groups,
                                            "Projections that share a scale, such as q_proj,k_proj,v_proj");
  groups->allow_extra_args(false);
  command->add_flag("--no-shared-scales", arguments->share_no_scales, "Do not share scales between projections")
      ->excludes(groups);
  arguments->revisions.AddTo(*command);
  command
      ->add_option("-o,--output", arguments->output,
                   "Output format; quark-json is the output of Quark's to_dict(), only for reading and comparing "
                   "(from_dict() drops parts of it); response is the whole response, with catalogue, revision, digests "
                   "and warnings")
      ->check(CLI::IsMember({"quark-json", "json", "textproto", "response"}))
      ->capture_default_str();
  command->callback([arguments, &options, &exit_code] { exit_code = Run(*arguments, options); });
}

}  // namespace qconfig::client
