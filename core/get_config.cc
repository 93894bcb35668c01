// SPDX-License-Identifier: Apache-2.0
#include "core/get_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "core/quark_json.h"
#include "core/resolve_config.h"
#include "core/status_macros.h"
#include "core/warnings.h"

namespace qconfig {
namespace {

// An estimate of the steps that writing the configuration as JSON takes.
size_t StepsToWrite(const v1::QConfig& config) {
  constexpr size_t kStepsPerOverride = 10'000;
  return kStepsPerOverride * static_cast<size_t>(config.layer_quant_config_size() + config.algo_config_size());
}

}  // namespace

absl::StatusOr<v1::GetConfigResponse> GetConfig(const Snapshot& snapshot, const v1::GetConfigRequest& request,
                                                const Limits& limits, CancellationToken token) {
  const Catalog& catalog = snapshot.catalog();
  QCONFIG_ASSIGN_OR_RETURN(v1::QConfig config, ResolveConfig(snapshot, request.spec(), limits, token));
  QCONFIG_RETURN_IF_ERROR(token.Spend(StepsToWrite(config)));
  std::string canonical_json = CanonicalJson(config);
  QCONFIG_RETURN_IF_ERROR(token.Spend(StepsToWrite(config)));

  v1::GetConfigResponse response;
  response.set_catalog(catalog.name());
  response.set_catalog_digest(catalog.digest());
  response.set_revision(snapshot.revision());
  response.set_config_digest(Sha256Hex(canonical_json));
  QCONFIG_RETURN_IF_ERROR(token.Spend(StepsToWrite(config)));
  *response.mutable_warnings() = FindWarnings(snapshot, request.spec(), config);
  if (response.config_digest() == request.if_digest()) {
    response.set_not_modified(true);
    return response;
  }
  if (request.include_quark_json()) {
    QCONFIG_RETURN_IF_ERROR(token.Spend(StepsToWrite(config)));
    response.set_quark_json(QuarkJson(config, catalog));
    QCONFIG_RETURN_IF_ERROR(token.Spend(StepsToWrite(config)));
  }
  if (request.include_canonical_json()) response.set_canonical_json(std::move(canonical_json));
  *response.mutable_config() = std::move(config);
  if (response.ByteSizeLong() > limits.answer_bytes) {
    return Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
        .Advice("Use fewer overrides, or leave out include_quark_json and include_canonical_json")
        .ToStatus(absl::StrCat("the answer has ", response.ByteSizeLong(), " bytes, more than the limit of ",
                               limits.answer_bytes));
  }
  return response;
}

}  // namespace qconfig
