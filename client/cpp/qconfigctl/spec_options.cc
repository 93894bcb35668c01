// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/spec_options.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/algorithms.h"
#include "qconfigctl/algo_config_fields.h"
#include "qconfigctl/algo_config_text.h"

namespace qconfig::client {
namespace {

// Splits "KEY=SCHEME" at the last "=", because a pattern may contain "=".
std::pair<std::string, std::string> SplitAtScheme(const std::string& text, const std::string& flag) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos) {
    throw CLI::ValidationError(flag, absl::StrCat("\"", text, "\" has no '='; expected KEY=SCHEME"));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// Without this error, a pattern of llm-compressor would match nothing.
void RejectRegex(const std::string& pattern, const std::string& flag) {
  if (!absl::StartsWith(pattern, "re:")) return;
  throw CLI::ValidationError(flag, absl::StrCat("\"", pattern, "\" is a regular expression, but patterns are globs"));
}

void AddAlgorithmConfig(const std::string& value, v1::ConfigSpec& spec) {
  const auto config = ReadAlgoConfig(value, spec);
  if (!config.ok()) throw CLI::ValidationError("--algo-config", std::string(config.status().message()));
  v1::AlgoConfigEntry& entry = *spec.add_algo_configs();
  *entry.mutable_config() = *config;
  entry.set_algorithm(std::string(AlgorithmName(*config)));
}

// As in Quark, the configuration of an algorithm has no effect unless the algorithm is requested. If it is requested,
// it replaces that of the template.
void WarnAboutConfigs(const v1::ConfigSpec& spec) {
  for (const v1::AlgoConfigEntry& entry : spec.algo_configs()) {
    const bool used = std::any_of(
        spec.algorithm().begin(), spec.algorithm().end(),
        [&entry](const std::string& algorithm) { return absl::EqualsIgnoreCase(algorithm, entry.algorithm()); });
    if (used) {
      const std::string note = ReplacementNote(entry.config(), spec.model_type());
      if (!note.empty()) std::cerr << "note: " << note << '\n';
      continue;
    }
    std::cerr << "warning: --algo-config: " << entry.algorithm() << " is not requested; add --algorithm "
              << entry.algorithm() << '\n';
  }
}

}  // namespace

void SpecOptions::AddTo(CLI::App& command) {
  command.add_option("--scheme", scheme_, "Scheme for all layers, such as fp8")->required();
  command.add_option("--kv-cache-scheme", kv_cache_scheme_, "Scheme for the KV cache: fp8");
  command.add_option("--min-kv-scale", min_kv_scale_, "Minimum scale of the KV cache");
  command.add_option("--attention-scheme", attention_scheme_, "Scheme for attention: fp8");
  AddLayerOptions(command);
  AddAlgorithmOptions(command);
}

void SpecOptions::AddLayerOptions(CLI::App& command) {
  command.add_option("--layer", layers_, "PATTERN=SCHEME: scheme for layers by name; the first match wins")
      ->allow_extra_args(false);
  command
      .add_option("--layer-type", layer_types_,
                  "TYPE=SCHEME: scheme for layers by type: Linear, Conv2d or ConvTranspose2d")
      ->allow_extra_args(false);
  CLI::Option* exclude =
      command.add_option("--exclude", exclude_, "Pattern of layers not to quantize; replaces the template's list");
  exclude->allow_extra_args(false);
  command
      .add_flag("--exclude-nothing", exclude_nothing_,
                "Do not exclude any layers, not even those in the template's list")
      ->excludes(exclude);
}

void SpecOptions::AddAlgorithmOptions(CLI::App& command) {
  command.add_option("--algorithm", algorithms_, "Algorithm to run, such as awq")
      ->allow_extra_args(false)
      ->delimiter(',');
  command
      .add_option(
          "--algo-config", algorithm_configs_,
          "Configuration of an algorithm as ProtoJSON, such as '{\"gptq\": {\"block_size\": 64}}', or @FILE; replaces "
          "the template's configuration of this algorithm")
      ->allow_extra_args(false);
  CLI::Option* groups = command.add_option("--shared-scale-group", shared_scale_groups_,
                                           "Projections that share a scale, such as q_proj,k_proj,v_proj");
  groups->allow_extra_args(false);
  command.add_flag("--no-shared-scales", share_no_scales_, "Do not share scales between projections")->excludes(groups);
}

v1::ConfigSpec SpecOptions::MakeSpec(const std::string& model_type) const {
  v1::ConfigSpec spec;
  spec.set_model_type(model_type);
  spec.set_scheme(scheme_);
  spec.set_kv_cache_scheme(kv_cache_scheme_);
  spec.set_min_kv_scale(min_kv_scale_);
  spec.set_attention_scheme(attention_scheme_);
  for (const std::string& algorithm : algorithms_) spec.add_algorithm(algorithm);
  for (const std::string& config : algorithm_configs_) AddAlgorithmConfig(config, spec);
  for (const std::string& layer : layers_) {
    const auto [pattern, scheme] = SplitAtScheme(layer, "--layer");
    RejectRegex(pattern, "--layer");
    v1::LayerConfigEntry& entry = *spec.add_layer_config();
    entry.set_pattern(pattern);
    entry.set_scheme(scheme);
  }
  for (const std::string& layer_type : layer_types_) {
    const auto [type, scheme] = SplitAtScheme(layer_type, "--layer-type");
    v1::LayerTypeConfigEntry& entry = *spec.add_layer_type_config();
    entry.set_layer_type(type);
    entry.set_scheme(scheme);
  }
  if (exclude_nothing_ || !exclude_.empty()) spec.mutable_exclude_layers();
  for (const std::string& pattern : exclude_) {
    RejectRegex(pattern, "--exclude");
    spec.mutable_exclude_layers()->add_patterns(pattern);
  }
  if (share_no_scales_ || !shared_scale_groups_.empty()) spec.mutable_shared_scale_groups();
  for (const std::string& suffixes : shared_scale_groups_) {
    v1::SharedScaleGroup& group = *spec.mutable_shared_scale_groups()->add_groups();
    for (const auto suffix : absl::StrSplit(suffixes, ',')) group.add_layer_suffixes(std::string(suffix));
  }
  WarnAboutConfigs(spec);
  return spec;
}

}  // namespace qconfig::client
