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

namespace qconfig {
namespace {

void CheckLayerConfig(const v1::GetConfigRequest& request, ShapeChecks& checks) {
  checks.Count(request.layer_config_size(), "layer_config");
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < request.layer_config_size() && checks.ok(); ++i) {
    const v1::LayerConfigEntry& entry = request.layer_config(i);
    const std::string path = absl::StrCat("layer_config[", i, "].");
    checks.Pattern(entry.pattern(), path + "pattern");
    checks.Name(entry.scheme(), path + "scheme");
    checks.Once(entry.pattern(), seen, path + "pattern");
  }
}

void CheckLayerTypeConfig(const v1::GetConfigRequest& request, ShapeChecks& checks) {
  static const auto* const kLayerTypes = new std::vector<absl::string_view>{"Linear", "Conv2d", "ConvTranspose2d"};
  checks.Count(request.layer_type_config_size(), "layer_type_config");
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < request.layer_type_config_size() && checks.ok(); ++i) {
    const v1::LayerTypeConfigEntry& entry = request.layer_type_config(i);
    const std::string path = absl::StrCat("layer_type_config[", i, "].");
    checks.OneOf(entry.layer_type(), *kLayerTypes, path + "layer_type", "no layer type of this name can be quantized");
    checks.Name(entry.scheme(), path + "scheme");
    checks.Once(entry.layer_type(), seen, path + "layer_type");
  }
}

void CheckAlgoConfigs(const v1::GetConfigRequest& request, ShapeChecks& checks) {
  checks.Count(request.algo_configs_size(), "algo_configs");
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < request.algo_configs_size() && checks.ok(); ++i) {
    const v1::AlgoConfigEntry& entry = request.algo_configs(i);
    const std::string path = absl::StrCat("algo_configs[", i, "].");
    const std::string algorithm = absl::AsciiStrToLower(entry.algorithm());
    checks.OneOf(algorithm, AlgorithmNames(), path + "algorithm", "no algorithm has this name");
    checks.Once(algorithm, seen, path + "algorithm");
    checks.Algorithm(entry.config(), algorithm, path + "config");
  }
}

void CheckSharedScaleGroups(const v1::GetConfigRequest& request, ShapeChecks& checks) {
  const auto& groups = request.shared_scale_groups().groups();
  checks.Count(groups.size(), "shared_scale_groups.groups");
  for (int i = 0; i < groups.size() && checks.ok(); ++i) {
    const std::string path = absl::StrCat("shared_scale_groups.groups[", i, "].layer_suffixes");
    checks.Count(groups[i].layer_suffixes_size(), path);
    for (int j = 0; j < groups[i].layer_suffixes_size() && checks.ok(); ++j) {
      checks.Name(groups[i].layer_suffixes(j), absl::StrCat(path, "[", j, "]"));
    }
  }
}

}  // namespace

absl::Status CheckRevisions(int64_t revision, int64_t min_revision) {
  const auto refused = [](absl::string_view field, int64_t value) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST)
        .Field(field)
        .Value(absl::StrCat(value))
        .Because("must not be negative");
  };
  if (revision < 0) return refused("revision", revision);
  if (min_revision < 0) return refused("min_revision", min_revision);
  return absl::OkStatus();
}

absl::Status CheckShape(const v1::GetConfigRequest& request, const Limits& limits) {
  ShapeChecks checks(limits);
  checks.Name(request.catalog(), "catalog");
  if (!checks.ok()) return checks.status();
  if (absl::Status status = CheckRevisions(request.revision(), request.min_revision()); !status.ok()) return status;
  checks.Name(request.if_digest(), "if_digest");
  checks.Name(request.model_type(), "model_type");
  checks.Name(request.scheme(), "scheme");
  checks.Count(request.algorithm_size(), "algorithm");
  for (int i = 0; i < request.algorithm_size() && checks.ok(); ++i) {
    checks.Name(request.algorithm(i), absl::StrCat("algorithm[", i, "]"));
  }
  checks.Name(request.kv_cache_scheme(), "kv_cache_scheme");
  checks.Finite(request.min_kv_scale(), "min_kv_scale");
  checks.Name(request.attention_scheme(), "attention_scheme");
  if (checks.ok()) CheckLayerConfig(request, checks);
  if (checks.ok()) CheckLayerTypeConfig(request, checks);
  checks.Count(request.exclude_layers().patterns_size(), "exclude_layers.patterns");
  for (int i = 0; i < request.exclude_layers().patterns_size() && checks.ok(); ++i) {
    checks.Pattern(request.exclude_layers().patterns(i), absl::StrCat("exclude_layers.patterns[", i, "]"));
  }
  if (checks.ok()) CheckAlgoConfigs(request, checks);
  if (checks.ok()) CheckSharedScaleGroups(request, checks);
  return checks.status();
}

}  // namespace qconfig
