// SPDX-License-Identifier: Apache-2.0
#include "core/algorithm_config.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/error.h"

namespace qconfig {
namespace {

absl::Status Refused(const std::string& path, absl::string_view field, absl::string_view why) {
  return Error(v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG).Field(absl::StrCat(path, ".", field)).ToStatus(why);
}

absl::Status RefusedValue(const std::string& path, absl::string_view field, int value, absl::string_view why) {
  return Error(v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG)
      .Field(absl::StrCat(path, ".", field))
      .Value(absl::StrCat(value))
      .ToStatus(why);
}

// A list of strings that Quark requires may be empty, and a message cannot tell that from left out.
absl::Status CheckRequired(const AlgorithmDefaults& defaults, const google::protobuf::Message& fields,
                           const std::string& path) {
  for (const std::string& name : defaults.required) {
    const auto* field = fields.GetDescriptor()->FindFieldByName(name);
    const bool given = !field->is_repeated()              ? fields.GetReflection()->HasField(fields, field)
                       : field->message_type() != nullptr ? fields.GetReflection()->FieldSize(fields, field) > 0
                                                          : true;
    if (!given) return Refused(path, name, "required");
  }
  return absl::OkStatus();
}

// GPTQ, GPTAQ and Qronos.
template <typename Config>
absl::Status CheckGroups(const Config& config, const std::string& path) {
  if (config.desc_act() && !config.static_groups()) {
    return Refused(path, "static_groups", "must be true when desc_act is true, which is its default");
  }
  return absl::OkStatus();
}

absl::Status CompleteOnlineConfig(const Catalog& catalog, v1::RotationConfig& config, const std::string& path) {
  v1::OnlineRotationConfig online = catalog.online_rotation_defaults();
  if (config.has_online_config()) {
    if (!config.online_r1_rotation() && !config.r1() && !config.r4()) {
      return Refused(path, "online_config", "has no effect unless one of online_r1_rotation, r1 and r4 is true");
    }
    if (!config.online_config().has_shared_parallel())
      return Refused(path, "online_config.shared_parallel", "required");
    if (config.online_config().has_use_input_prescale() && !online.has_use_input_prescale()) {
      return Refused(path, "online_config.use_input_prescale", "this release of Quark does not know it");
    }
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
  if (!config.trainable()) return Refused(path, "train_smooth", "must not be true unless trainable is");
  if (!config.has_smooth_positions()) return Refused(path, "smooth_positions", "required when train_smooth is true");
  return absl::OkStatus();
}

// In the order in which Quark checks.
absl::Status CompleteRotation(const Catalog& catalog, v1::RotationConfig& config, const std::string& path) {
  if ((config.random_r1() || config.random_r2()) && config.has_rotation_size()) {
    return RefusedValue(path, "rotation_size", config.rotation_size(),
                        "must be absent when random_r1 or random_r2 is true");
  }
  if (config.r1() && !config.has_online_r1_rotation()) {
    config.set_online_r1_rotation(false);
  } else if (!config.r1() && config.has_online_r1_rotation()) {
    return Refused(path, "online_r1_rotation", "has no effect when r1 is false");
  }
  if (config.trainable() && config.r3()) return Refused(path, "trainable", "must not be true together with r3");
  const absl::Status status = CompleteOnlineConfig(catalog, config, path);
  return status.ok() ? CompleteSmoothing(config, path) : status;
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
      if (const absl::Status status = CheckGroups(config.qronos(), path); !status.ok()) return status;
      if (config.qronos().block_size() <= 0) {
        return RefusedValue(path, "block_size", config.qronos().block_size(), "must be at least 1");
      }
      return absl::OkStatus();
    case v1::AlgoConfig::kAutosmoothquant:
      if (config.autosmoothquant().compute_scale_loss_none()) {
        if (given.autosmoothquant().has_compute_scale_loss()) {
          return Refused(path, "compute_scale_loss", "must be absent when compute_scale_loss_none is true");
        }
        config.mutable_autosmoothquant()->clear_compute_scale_loss();
        config.mutable_autosmoothquant()->clear_compute_scale_loss_none();
      }
      return absl::OkStatus();
    case v1::AlgoConfig::kRotation:
      return CompleteRotation(catalog, *config.mutable_rotation(), path);
    case v1::AlgoConfig::kTwobitscalar:
      if (config.twobitscalar().bits() != 2) {
        return RefusedValue(path, "bits", config.twobitscalar().bits(), "must be 2");
      }
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<v1::AlgoConfig> CompleteAlgoConfig(const Catalog& catalog, const v1::AlgoConfig& given,
                                                  const std::string& path) {
  const absl::string_view algorithm = AlgorithmOf(given);
  const AlgorithmDefaults& defaults = *catalog.FindAlgorithm(algorithm);
  const std::string fields_path = absl::StrCat(path, ".", algorithm);
  absl::Status status = CheckRequired(defaults, *AlgorithmFields(given), fields_path);
  if (!status.ok()) return status;
  v1::AlgoConfig config = defaults.config;
  config.MergeFrom(given);
  status = CompleteRules(catalog, given, fields_path, config);
  if (!status.ok()) return status;
  return config;
}

}  // namespace qconfig
