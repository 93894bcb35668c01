// SPDX-License-Identifier: Apache-2.0
#include "core/catalog_fit.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/tensor_rules.h"

namespace qconfig {
namespace {

absl::Status DoesNotFit(const Catalog& catalog, absl::string_view field, absl::string_view name,
                        absl::string_view problem) {
  return Error(v1::ERROR_REASON_NOT_IN_CATALOG).Field(field).Value(name).Catalog(catalog.name()).ToStatus(problem);
}

bool KnowsInputPrescale(const Catalog& catalog) { return catalog.online_rotation_defaults().has_use_input_prescale(); }

}  // namespace

absl::Status CheckFits(const Catalog& catalog, const v1::Scheme& scheme, absl::string_view field) {
  if (scheme.origin() != v1::REGISTRY_ORIGIN_TENANT) return absl::OkStatus();
  const absl::Status layer = CheckLayer(catalog, scheme.config(), "config");
  if (layer.ok()) return layer;
  return DoesNotFit(catalog, field, scheme.name(),
                    absl::StrCat("the scheme cannot be used with this catalogue (", layer.message(), ")"));
}

absl::Status CheckFits(const Catalog& catalog, const v1::LlmTemplate& entry, absl::string_view field) {
  if (entry.origin() != v1::REGISTRY_ORIGIN_TENANT) return absl::OkStatus();
  for (const v1::AlgoConfigEntry& algorithm : entry.algorithm_configs()) {
    if (catalog.FindAlgorithm(algorithm.algorithm()) == nullptr) {
      return DoesNotFit(
          catalog, field, entry.model_type(),
          absl::StrCat("the template cannot be used with this catalogue, which does not know its algorithm ",
                       algorithm.algorithm()));
    }
    if (algorithm.config().rotation().online_config().use_input_prescale() && !KnowsInputPrescale(catalog)) {
      return DoesNotFit(
          catalog, field, entry.model_type(),
          "the template cannot be used with this catalogue, which does not know the use_input_prescale of "
          "its rotation");
    }
  }
  return absl::OkStatus();
}

void FitAlgoConfig(const Catalog& catalog, v1::AlgoConfig& config) {
  if (!config.rotation().has_online_config()) return;
  v1::OnlineRotationConfig& online = *config.mutable_rotation()->mutable_online_config();
  if (!KnowsInputPrescale(catalog)) {
    online.clear_use_input_prescale();
  } else if (!online.has_use_input_prescale()) {
    online.set_use_input_prescale(catalog.online_rotation_defaults().use_input_prescale());
  }
}

}  // namespace qconfig
