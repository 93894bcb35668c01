// SPDX-License-Identifier: Apache-2.0
#include "core/algorithms.h"

#include <google/protobuf/descriptor.h>

#include <string>

namespace qconfig {
namespace {

const google::protobuf::OneofDescriptor* Algorithms() {
  return v1::AlgoConfig::descriptor()->FindOneofByName("config");
}

}  // namespace

const std::vector<absl::string_view>& AlgorithmNames() {
  static const auto* const kNames = [] {
    auto* names = new std::vector<absl::string_view>;
    names->reserve(static_cast<size_t>(Algorithms()->field_count()));
    for (int i = 0; i < Algorithms()->field_count(); ++i) names->push_back(Algorithms()->field(i)->name());
    return names;
  }();
  return *kNames;
}

absl::string_view AlgorithmName(const v1::AlgoConfig& config) {
  const auto* field = config.GetReflection()->GetOneofFieldDescriptor(config, Algorithms());
  return field == nullptr ? "" : absl::string_view(field->name());
}

const google::protobuf::Message* AlgorithmFields(const v1::AlgoConfig& config) {
  const auto* field = config.GetReflection()->GetOneofFieldDescriptor(config, Algorithms());
  return field == nullptr ? nullptr : &config.GetReflection()->GetMessage(config, field);
}

google::protobuf::Message* MutableAlgorithmFields(absl::string_view algorithm, v1::AlgoConfig& config) {
  const auto* field = v1::AlgoConfig::descriptor()->FindFieldByName(std::string(algorithm));
  return field == nullptr ? nullptr : config.GetReflection()->MutableMessage(&config, field);
}

AlgorithmJsonName GetJsonName(v1::AlgoConfig::ConfigCase algorithm) {
  switch (algorithm) {
    case v1::AlgoConfig::kSmoothquant:
      return {"smooth", 0};
    case v1::AlgoConfig::kQronos:
      return {"qronos", 2};
    case v1::AlgoConfig::kRotation:
      return {"rotation", 1};
    default:
      return {v1::AlgoConfig::descriptor()->FindFieldByNumber(algorithm)->name(), 0};
  }
}

}  // namespace qconfig
