// SPDX-License-Identifier: Apache-2.0
#include "core/request_shape.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/error.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Runs checks in turn and keeps the first failure.
class Checks {
 public:
  explicit Checks(const Limits& limits) : limits_(limits) {}

  void Name(absl::string_view text, absl::string_view field) {
    if (status_.ok()) status_ = CheckLength(text, limits_.name_chars, field);
  }

  void Pattern(absl::string_view text, absl::string_view field) {
    if (status_.ok()) status_ = CheckLength(text, limits_.pattern_chars, field);
  }

  void Count(int count, absl::string_view field) {
    Require(static_cast<size_t>(count) <= limits_.list_entries, field, absl::StrCat(count),
            absl::StrCat("more entries than the ", limits_.list_entries, " allowed"));
  }

  void Finite(double number, absl::string_view field) {
    Require(std::isfinite(number), field, absl::StrCat(number), "not a finite number");
  }

  // That `text` is not among those `seen`, which it joins.
  void Once(absl::string_view text, absl::flat_hash_set<std::string>& seen, absl::string_view field) {
    if (status_.ok()) Require(seen.insert(std::string(text)).second, field, text, "given twice");
  }

  void OneOf(absl::string_view text, const std::vector<absl::string_view>& allowed, absl::string_view field,
             absl::string_view problem) {
    if (!status_.ok() || std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return;
    status_ = Error(v1::ERROR_REASON_INVALID_REQUEST)
                  .Field(field)
                  .Value(text)
                  .NearestOf(allowed)
                  .Allowed(allowed)
                  .Because(problem);
  }

  void Require(bool condition, absl::string_view field, absl::string_view value, absl::string_view problem) {
    if (!status_.ok() || condition) return;
    status_ = Error(v1::ERROR_REASON_INVALID_REQUEST).Field(field).Value(value).Because(problem);
  }

  // The sizes and numbers of an algorithm's configuration, whichever it is.
  void Fields(const Message& message, const std::string& path) {
    const auto* reflection = message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const std::string field_path = absl::StrCat(path, ".", field->name());
      if (field->is_repeated()) {
        Items(message, field, field_path);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Fields(reflection->GetMessage(message, field), field_path);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        Pattern(reflection->GetString(message, field), field_path);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
        Finite(reflection->GetDouble(message, field), field_path);
      }
    }
  }

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }

 private:
  // Algorithm configurations have lists of strings and of messages only.
  void Items(const Message& message, const FieldDescriptor* field, const std::string& path) {
    const auto* reflection = message.GetReflection();
    const int count = reflection->FieldSize(message, field);
    Count(count, path);
    for (int i = 0; i < count && ok(); ++i) {
      const std::string item_path = absl::StrCat(path, "[", i, "]");
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        Pattern(reflection->GetRepeatedString(message, field, i), item_path);
      } else {
        Fields(reflection->GetRepeatedMessage(message, field, i), item_path);
      }
    }
  }

  const Limits& limits_;
  absl::Status status_;
};

void CheckLayerConfig(const v1::GetConfigRequest& request, Checks& checks) {
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

void CheckLayerTypeConfig(const v1::GetConfigRequest& request, Checks& checks) {
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

void CheckAlgoConfigs(const v1::GetConfigRequest& request, Checks& checks) {
  checks.Count(request.algo_configs_size(), "algo_configs");
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < request.algo_configs_size() && checks.ok(); ++i) {
    const v1::AlgoConfigEntry& entry = request.algo_configs(i);
    const std::string path = absl::StrCat("algo_configs[", i, "].");
    const std::string algorithm = absl::AsciiStrToLower(entry.algorithm());
    checks.OneOf(algorithm, AlgorithmNames(), path + "algorithm", "no algorithm has this name");
    checks.Once(algorithm, seen, path + "algorithm");
    const Message* fields = AlgorithmFields(entry.config());
    checks.Require(AlgorithmOf(entry.config()) == algorithm, path + "config", AlgorithmOf(entry.config()),
                   absl::StrCat("not a configuration of ", algorithm));
    if (!checks.ok()) return;
    checks.Fields(*fields, absl::StrCat(path, "config.", algorithm));
    absl::flat_hash_set<std::string> positions;
    for (int j = 0; j < entry.config().rotation().scaling_layers_size() && checks.ok(); ++j) {
      checks.Once(entry.config().rotation().scaling_layers(j).position(), positions,
                  absl::StrCat(path, "config.rotation.scaling_layers[", j, "].position"));
    }
  }
}

void CheckSharedScaleGroups(const v1::GetConfigRequest& request, Checks& checks) {
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

absl::Status CheckLength(absl::string_view text, size_t max_chars, absl::string_view field) {
  // A character has at least one byte, so most texts need no counting.
  if (text.size() <= max_chars || CountCodePoints(text) <= max_chars) return absl::OkStatus();
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .Value(text)
      .Because(absl::StrCat("longer than the ", max_chars, " characters allowed"));
}

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
  Checks checks(limits);
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
