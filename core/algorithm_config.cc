// SPDX-License-Identifier: Apache-2.0
#include "core/algorithm_config.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/catalog_fit.h"
#include "core/error.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

absl::Status Rejected(const std::string& path, absl::string_view field, absl::string_view why) {
  return Error(v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG).Field(absl::StrCat(path, ".", field)).ToStatus(why);
}

absl::Status RejectedValue(const std::string& path, absl::string_view field, int value, absl::string_view why) {
  return Error(v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG)
      .Field(absl::StrCat(path, ".", field))
      .Value(absl::StrCat(value))
      .ToStatus(why);
}

absl::Status CheckKnown(const Catalog& catalog, const google::protobuf::Message& fields, const std::string& path) {
  const std::vector<UnlistedField> unlisted = UnlistedFields(catalog, fields);
  if (unlisted.empty()) return absl::OkStatus();
  return Error(v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG)
      .Field(absl::StrCat(path, ".", unlisted.front().path))
      .Catalog(catalog.name())
      .ToStatus(absl::StrCat("Quark ", catalog.quark_release(), " has no such field"));
}

// Quark also requires some lists of strings, but they may be empty, and a message cannot tell empty from absent.
absl::Status CheckRequired(const ConfigClass& config_class, const google::protobuf::Message& fields,
                           const std::string& path) {
  for (const auto* field : config_class.required) {
    const bool given = !field->is_repeated()              ? fields.GetReflection()->HasField(fields, field)
                       : field->message_type() != nullptr ? fields.GetReflection()->FieldSize(fields, field) > 0
                                                          : true;
    if (!given) return Rejected(path, field->name(), "required");
  }
  return absl::OkStatus();
}

// GPTQ, GPTAQ and Qronos.
template <typename Config>
absl::Status CheckGroups(const Config& config, const std::string& path) {
  if (config.desc_act() && !config.static_groups()) {
    return Rejected(path, "static_groups", "must be true when desc_act is true, which is its default");
  }
  return absl::OkStatus();
}

absl::Status CompleteOnlineConfig(const Catalog& catalog, v1::RotationConfig& config, const std::string& path) {
  const ConfigClass& online_class = *catalog.FindConfigClass(*v1::OnlineRotationConfig::descriptor());
  v1::OnlineRotationConfig online;
  online.CopyFrom(*online_class.defaults);
  if (config.has_online_config()) {
    if (!config.online_r1_rotation() && !config.r1() && !config.r4()) {
      return Rejected(path, "online_config", "has no effect unless one of online_r1_rotation, r1 and r4 is true");
    }
    QCONFIG_RETURN_IF_ERROR(CheckRequired(online_class, config.online_config(), absl::StrCat(path, ".online_config")));
    online.MergeFrom(config.online_config());
  } else if (config.r1() && config.online_r1_rotation()) {
    online.set_shared_parallel(false);
  } else {
    return absl::OkStatus();
  }
  *config.mutable_online_config() = online;
  return absl::OkStatus();
}

absl::Status CompleteSmoothing(v1::RotationConfig& config, const std::string& path) {
  if (config.trainable() && !config.has_train_smooth()) {
    config.set_train_smooth(false);
    config.mutable_smooth_positions()->clear_values();
  }
  if (!config.train_smooth()) return absl::OkStatus();
  if (!config.trainable()) return Rejected(path, "train_smooth", "must be false unless trainable is true");
  if (!config.has_smooth_positions()) return Rejected(path, "smooth_positions", "required when train_smooth is true");
  return absl::OkStatus();
}

// In the order of Quark's checks.
absl::Status CompleteRotation(const Catalog& catalog, v1::RotationConfig& config, const std::string& path) {
  if ((config.random_r1() || config.random_r2()) && config.has_rotation_size()) {
    return RejectedValue(path, "rotation_size", config.rotation_size(),
                         "must not be set when random_r1 or random_r2 is true");
  }
  if (config.r1() && !config.has_online_r1_rotation()) {
    config.set_online_r1_rotation(false);
  } else if (!config.r1() && config.has_online_r1_rotation()) {
    return Rejected(path, "online_r1_rotation", "has no effect when r1 is false");
  }
  if (config.trainable() && config.r3()) return Rejected(path, "trainable", "must be false when r3 is true");
  QCONFIG_RETURN_IF_ERROR(CompleteOnlineConfig(catalog, config, path));
  return CompleteSmoothing(config, path);
}

// `config` is `given` with the defaults filled in.
absl::Status CompleteRules(const Catalog& catalog, const v1::AlgoConfig& given, const std::string& path,
                           v1::AlgoConfig& config) {
  switch (config.config_case()) {
    case v1::AlgoConfig::kGptq:
      return CheckGroups(config.gptq(), path);
    case v1::AlgoConfig::kGptaq:
      return CheckGroups(config.gptaq(), path);
    case v1::AlgoConfig::kQronos:
      QCONFIG_RETURN_IF_ERROR(CheckGroups(config.qronos(), path));
      if (config.qronos().block_size() <= 0) {
        return RejectedValue(path, "block_size", config.qronos().block_size(), "must be at least 1");
      }
      return absl::OkStatus();
    case v1::AlgoConfig::kAutosmoothquant:
      if (config.autosmoothquant().compute_scale_loss_none()) {
        if (given.autosmoothquant().has_compute_scale_loss()) {
          return Rejected(path, "compute_scale_loss", "must not be set when compute_scale_loss_none is true");
        }
        config.mutable_autosmoothquant()->clear_compute_scale_loss();
        config.mutable_autosmoothquant()->clear_compute_scale_loss_none();
      }
      return absl::OkStatus();
    case v1::AlgoConfig::kRotation:
      return CompleteRotation(catalog, *config.mutable_rotation(), path);
    case v1::AlgoConfig::kTwobitscalar:
      if (config.twobitscalar().bits() != 2) {
        return RejectedValue(path, "bits", config.twobitscalar().bits(), "must be 2");
      }
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<v1::AlgoConfig> CompleteAlgoConfig(const Catalog& catalog, const v1::AlgoConfig& given,
                                                  const std::string& path) {
  const absl::string_view algorithm = AlgorithmName(given);
  const ConfigClass& config_class = *catalog.FindAlgorithm(algorithm);
  const google::protobuf::Message& fields = *AlgorithmFields(given);
  const std::string fields_path = absl::StrCat(path, ".", algorithm);
  QCONFIG_RETURN_IF_ERROR(CheckKnown(catalog, fields, fields_path));
  QCONFIG_RETURN_IF_ERROR(CheckRequired(config_class, fields, fields_path));
  v1::AlgoConfig config;
  MutableAlgorithmFields(algorithm, config)->CopyFrom(*config_class.defaults);
  config.MergeFrom(given);
  QCONFIG_RETURN_IF_ERROR(CompleteRules(catalog, given, fields_path, config));
  return config;
}

}  // namespace qconfig
