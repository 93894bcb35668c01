// SPDX-License-Identifier: Apache-2.0
#include "core/request_shape.h"

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/error.h"
#include "core/shape_checks.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

void CheckLayerConfig(const v1::ConfigSpec& spec, ShapeChecks& checks) {
  checks.Count(spec.layer_config_size(), "spec.layer_config");
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < spec.layer_config_size() && checks.ok(); ++i) {
    const v1::LayerConfigEntry& entry = spec.layer_config(i);
    const std::string path = absl::StrCat("spec.layer_config[", i, "].");
    checks.Pattern(entry.pattern(), path + "pattern");
    checks.Required(!entry.scheme().empty(), path + "scheme");
    checks.Name(entry.scheme(), path + "scheme");
    checks.Once(entry.pattern(), seen, path + "pattern");
  }
}

void CheckLayerTypeConfig(const v1::ConfigSpec& spec, ShapeChecks& checks) {
  static const auto* const kLayerTypes = new std::vector<absl::string_view>{"Linear", "Conv2d", "ConvTranspose2d"};
  checks.Count(spec.layer_type_config_size(), "spec.layer_type_config");
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < spec.layer_type_config_size() && checks.ok(); ++i) {
    const v1::LayerTypeConfigEntry& entry = spec.layer_type_config(i);
    const std::string path = absl::StrCat("spec.layer_type_config[", i, "].");
    checks.Required(!entry.layer_type().empty(), path + "layer_type");
    checks.OneOf(entry.layer_type(), *kLayerTypes, path + "layer_type", "unknown layer type", NameKind::kLayerType);
    checks.Required(!entry.scheme().empty(), path + "scheme");
    checks.Name(entry.scheme(), path + "scheme");
    checks.Once(entry.layer_type(), seen, path + "layer_type");
  }
}

void CheckAlgoConfigs(const v1::ConfigSpec& spec, ShapeChecks& checks) {
  checks.Count(spec.algo_configs_size(), "spec.algo_configs");
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < spec.algo_configs_size() && checks.ok(); ++i) {
    const v1::AlgoConfigEntry& entry = spec.algo_configs(i);
    const std::string path = absl::StrCat("spec.algo_configs[", i, "].");
    const std::string algorithm = absl::AsciiStrToLower(entry.algorithm());
    checks.Required(!algorithm.empty(), path + "algorithm");
    checks.OneOf(algorithm, AlgorithmNames(), path + "algorithm", "unknown algorithm");
    checks.Once(algorithm, seen, path + "algorithm");
    checks.Algorithm(entry.config(), algorithm, path + "config");
  }
}

void CheckSharedScaleGroups(const v1::ConfigSpec& spec, ShapeChecks& checks) {
  const auto& groups = spec.shared_scale_groups().groups();
  checks.Count(groups.size(), "spec.shared_scale_groups.groups");
  for (int i = 0; i < groups.size() && checks.ok(); ++i) {
    const std::string path = absl::StrCat("spec.shared_scale_groups.groups[", i, "].layer_suffixes");
    checks.Count(groups[i].layer_suffixes_size(), path);
    for (int j = 0; j < groups[i].layer_suffixes_size() && checks.ok(); ++j) {
      checks.Name(groups[i].layer_suffixes(j), absl::StrCat(path, "[", j, "]"));
    }
  }
}

}  // namespace

absl::Status CheckRevisions(int64_t revision, int64_t min_revision) {
  const auto rejected = [](absl::string_view field, int64_t value) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST)
        .Field(field)
        .Value(absl::StrCat(value))
        .ToStatus("must not be negative");
  };
  if (revision < 0) return rejected("revision", revision);
  if (min_revision < 0) return rejected("min_revision", min_revision);
  return absl::OkStatus();
}

absl::Status CheckSpec(const v1::ConfigSpec& spec, const Limits& limits) {
  ShapeChecks checks(limits);
  checks.Required(!spec.model_type().empty(), "spec.model_type");
  checks.Name(spec.model_type(), "spec.model_type");
  checks.Required(!spec.scheme().empty(), "spec.scheme");
  checks.Name(spec.scheme(), "spec.scheme");
  checks.Count(spec.algorithm_size(), "spec.algorithm");
  for (int i = 0; i < spec.algorithm_size() && checks.ok(); ++i) {
    checks.Name(spec.algorithm(i), absl::StrCat("spec.algorithm[", i, "]"));
  }
  checks.Name(spec.kv_cache_scheme(), "spec.kv_cache_scheme");
  checks.Finite(spec.min_kv_scale(), "spec.min_kv_scale");
  checks.Name(spec.attention_scheme(), "spec.attention_scheme");
  if (checks.ok()) CheckLayerConfig(spec, checks);
  if (checks.ok()) CheckLayerTypeConfig(spec, checks);
  checks.Count(spec.exclude_layers().patterns_size(), "spec.exclude_layers.patterns");
  for (int i = 0; i < spec.exclude_layers().patterns_size() && checks.ok(); ++i) {
    checks.Pattern(spec.exclude_layers().patterns(i), absl::StrCat("spec.exclude_layers.patterns[", i, "]"));
  }
  if (checks.ok()) CheckAlgoConfigs(spec, checks);
  if (checks.ok()) CheckSharedScaleGroups(spec, checks);
  return checks.status();
}

absl::Status CheckShape(const v1::GetConfigRequest& request, const Limits& limits) {
  ShapeChecks checks(limits);
  checks.Name(request.catalog(), "catalog");
  if (!checks.ok()) return checks.status();
  QCONFIG_RETURN_IF_ERROR(CheckRevisions(request.revision(), request.min_revision()));
  checks.Name(request.if_digest(), "if_digest");
  checks.Required(request.has_spec(), "spec");
  if (!checks.ok()) return checks.status();
  return CheckSpec(request.spec(), limits);
}

}  // namespace qconfig
