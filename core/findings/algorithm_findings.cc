// SPDX-License-Identifier: Apache-2.0
#include "core/findings/algorithm_findings.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/algorithm_rules.h"
#include "core/algorithms.h"
#include "core/findings/finding_text.h"
#include "core/message_text.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

// The layers that the configuration of an algorithm names.
struct AlgorithmLayers {
  std::string decoder_layers;      // the list of decoder layers; empty: Quark finds it
  std::vector<std::string> names;  // patterns, relative to one decoder layer
  bool are_suffixes = false;       // a name also matches the end of a longer name of the same part
  bool are_required = false;       // Quark fails if one of `names` is missing
};

template <typename ScalingLayers>
AlgorithmLayers LayersToScale(const std::string& decoder_layers, const ScalingLayers& scaling_layers) {
  AlgorithmLayers layers{decoder_layers, {}};
  for (const v1::ScalingLayer& scaling : scaling_layers) {
    layers.names.insert(layers.names.end(), scaling.layers().begin(), scaling.layers().end());
  }
  return layers;
}

template <typename Config>
AlgorithmLayers LayersInside(const Config& config) {
  return {config.model_decoder_layers(),
          {config.inside_layer_modules().begin(), config.inside_layer_modules().end()},
          /*are_suffixes=*/true};
}

AlgorithmLayers LayersToRotate(const v1::RotationConfig& config) {
  AlgorithmLayers layers{config.model_decoder_layers(), {}, /*are_suffixes=*/false, /*are_required=*/true};
  const auto add = [&layers](const auto& names) {
    for (const std::string& name : names) {
      // Only these are in every layer. Norms are often not in the list of modules.
      const std::string prefix = absl::StrCat(layers.decoder_layers, ".layer_id.");
      if (absl::StartsWith(name, prefix)) layers.names.push_back(name.substr(prefix.size()));
    }
  };
  for (const v1::RotationScalingLayersEntry& entry : config.scaling_layers()) {
    for (const v1::RotationScalingLayer& layer : entry.layers()) {
      add(layer.prev_modules());
      add(layer.next_modules());
      add(layer.target_modules());
    }
  }
  if (config.r2()) layers.names.insert(layers.names.end(), {config.v_proj(), config.o_proj()});
  return layers;
}

AlgorithmLayers LayersOf(const v1::AlgoConfig& config) {
  switch (config.config_case()) {
    case v1::AlgoConfig::kAwq:
      return LayersToScale(config.awq().model_decoder_layers(), config.awq().scaling_layers());
    case v1::AlgoConfig::kSmoothquant:
      return LayersToScale(config.smoothquant().model_decoder_layers(), config.smoothquant().scaling_layers());
    case v1::AlgoConfig::kAutosmoothquant:
      return LayersToScale(config.autosmoothquant().model_decoder_layers(),
                           config.autosmoothquant().scaling_layers().layers());
    case v1::AlgoConfig::kGptq:
      return LayersInside(config.gptq());
    case v1::AlgoConfig::kGptaq:
      return LayersInside(config.gptaq());
    case v1::AlgoConfig::kQronos:
      return LayersInside(config.qronos());
    case v1::AlgoConfig::kAutoround:
      return LayersInside(config.autoround());
    case v1::AlgoConfig::kRotation:
      return LayersToRotate(config.rotation());
    default:
      return {};
  }
}

std::string LayerPattern(const AlgorithmLayers& layers, absl::string_view name) {
  if (layers.decoder_layers.empty()) return absl::StrCat(layers.are_suffixes ? "*" : "*.", name);
  return absl::StrCat(layers.decoder_layers, layers.are_suffixes ? ".0.*" : ".0*.", name);
}

class AlgorithmFinder {
 public:
  AlgorithmFinder(const PlanContext& context, NameShapes& shapes, CancellationToken& token, FindingList& findings)
      : context_(context), shapes_(shapes), token_(token), findings_(findings) {}

  // `algorithm` is an index in `context.config.algo_config()`.
  absl::Status Check(int algorithm) {
    const v1::AlgoConfig& config = context_.config.algo_config(algorithm);
    const AlgorithmLayers layers = LayersOf(config);
    QCONFIG_RETURN_IF_ERROR(CheckRules(algorithm, AlgorithmName(config), layers));
    return CheckLayers(config, layers);
  }

 private:
  absl::Status CheckRules(int algorithm, absl::string_view name, const AlgorithmLayers& layers) {
    std::vector<const AlgorithmRule*> rules = {nullptr};  // by config_of_module
    for (const v1::QLayerConfig& config : context_.plan.configs) rules.push_back(FindAlgorithmRule(name, config));
    const bool any = std::any_of(rules.begin(), rules.end(), [](const auto* rule) { return rule != nullptr; });
    if (!any) return absl::OkStatus();
    QCONFIG_ASSIGN_OR_RETURN(const auto covered, ShapesIn(layers));
    std::map<const AlgorithmRule*, AffectedModules> affected;
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      const AlgorithmRule* const rule = rules[context_.plan.config_of_module[i]];
      if (rule == nullptr) continue;
      const absl::string_view module = context_.modules.name(i);
      QCONFIG_RETURN_IF_ERROR(token_.Spend(module.size() + 1));
      if (layers.names.empty() || covered.contains(WithoutNumbers(module))) affected[rule].Add(i);
    }
    for (const auto& [rule, modules] : affected) AddRule(algorithm, name, *rule, modules);
    return absl::OkStatus();
  }

  // The shapes of the modules on which the algorithm works.
  absl::StatusOr<absl::flat_hash_set<std::string>> ShapesIn(const AlgorithmLayers& layers) {
    absl::flat_hash_set<std::string> covered;
    absl::flat_hash_set<std::string> patterns;
    for (const std::string& name : layers.names) patterns.insert(WithoutNumbers(LayerPattern(layers, name)));
    for (const std::string& pattern : patterns) {
      const auto collect = [&covered](const NameShapes::Shape& shape) {
        covered.insert(shape.text);
        return false;
      };
      QCONFIG_RETURN_IF_ERROR(shapes_.FirstMatch(pattern, token_, collect).status());
    }
    return covered;
  }

  absl::Status CheckLayers(const v1::AlgoConfig& config, const AlgorithmLayers& layers) {
    if (layers.decoder_layers.empty()) return absl::OkStatus();
    QCONFIG_ASSIGN_OR_RETURN(const bool has_decoder_layers, Exists(layers.decoder_layers + ".*"));
    if (!has_decoder_layers) {
      Add(config, v1::FINDING_SEVERITY_ERROR,
          absl::StrCat("the algorithm ", AlgorithmName(config), " looks for decoder layers in ",
                       Quoted(layers.decoder_layers), ", which the model does not have, so Quark fails"));
      return absl::OkStatus();
    }
    absl::flat_hash_set<std::string> names;  // without numbers, such as those of experts
    std::vector<std::string> missing;
    for (const std::string& name : layers.names) {
      if (!names.insert(WithoutNumbers(name)).second) continue;
      QCONFIG_ASSIGN_OR_RETURN(const bool exists, Exists(LayerPattern(layers, name)));
      if (!exists) missing.push_back(name);
    }
    if (missing.empty()) return absl::OkStatus();
    const bool all = missing.size() == names.size();
    Add(config,
        layers.are_required ? v1::FINDING_SEVERITY_ERROR
        : all               ? v1::FINDING_SEVERITY_WARNING
                            : v1::FINDING_SEVERITY_INFO,
        absl::StrCat("no decoder layer has these modules of the algorithm ", AlgorithmName(config), ": ",
                     QuotedList(missing),
                     layers.are_required ? "; Quark fails"
                     : all               ? "; the algorithm has no effect"
                                         : "; the algorithm has no effect on them"));
    return absl::OkStatus();
  }

  void AddRule(int algorithm, absl::string_view name, const AlgorithmRule& rule, const AffectedModules& modules) {
    const bool fails = rule.effect == AlgorithmRule::Effect::kFails;
    v1::Finding& finding = *findings_.Add(
        fails ? v1::FINDING_CODE_ALGORITHM_REJECTS_SCHEME : v1::FINDING_CODE_ALGORITHM_UNUSUAL_FOR_SCHEME,
        fails ? v1::FINDING_SEVERITY_ERROR : v1::FINDING_SEVERITY_WARNING,
        absl::StrCat("the algorithm ", name, " ", rule.text, ", as in ", Modules(modules.count())),
        absl::StrCat("Remove ", Option("--algorithm", name), ", or use another scheme"));
    finding.set_field(absl::StrCat("spec.algorithm[", algorithm, "]"));
    modules.CopyTo(context_.modules, finding);
  }

  // Also true when the search has taken too long to know.
  absl::StatusOr<bool> Exists(absl::string_view pattern) {
    QCONFIG_ASSIGN_OR_RETURN(const auto* match, shapes_.FirstMatch(pattern, token_));
    return match != nullptr || shapes_.exhausted();
  }

  void Add(const v1::AlgoConfig& config, v1::FindingSeverity severity, const std::string& message) {
    const std::string name(AlgorithmName(config));
    findings_
        .Add(v1::FINDING_CODE_ALGORITHM_LAYERS_MISSING, severity, message,
             absl::StrCat("Name the layers of this model with --algo-config, or remove ", Option("--algorithm", name)))
        ->set_field(FieldOf(name));
  }

  std::string FieldOf(absl::string_view algorithm) const {
    for (int i = 0; i < context_.spec.algo_configs_size(); ++i) {
      if (absl::EqualsIgnoreCase(context_.spec.algo_configs(i).algorithm(), algorithm)) {
        return absl::StrCat("spec.algo_configs[", i, "].config");
      }
    }
    int i = 0;
    while (context_.llm_template.algorithm_configs(i).algorithm() != algorithm) ++i;
    return absl::StrCat("template.algorithm_configs[", i, "].config");
  }

  const PlanContext& context_;
  NameShapes& shapes_;
  CancellationToken& token_;
  FindingList& findings_;
};

}  // namespace

absl::Status FindAlgorithmFindings(const PlanContext& context, NameShapes& shapes, CancellationToken& token,
                                   FindingList& findings) {
  AlgorithmFinder finder(context, shapes, token, findings);
  for (int i = 0; i < context.config.algo_config_size(); ++i) QCONFIG_RETURN_IF_ERROR(finder.Check(i));
  return absl::OkStatus();
}

}  // namespace qconfig
