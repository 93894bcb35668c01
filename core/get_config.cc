// SPDX-License-Identifier: Apache-2.0
#include "core/get_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "core/quark_json.h"
#include "core/resolve_config.h"
#include "core/warnings.h"

namespace qconfig {

absl::StatusOr<v1::GetConfigResponse> GetConfig(const Snapshot& snapshot, const v1::GetConfigRequest& request,
                                                const Limits& limits) {
  auto config = ResolveConfig(snapshot, request.spec(), limits);
  if (!config.ok()) return config.status();
  std::string canonical_json = CanonicalJson(*config);

  v1::GetConfigResponse response;
  response.set_catalog(snapshot.catalog().name());
  response.set_catalog_digest(snapshot.catalog().digest());
  response.set_revision(snapshot.revision());
  response.set_config_digest(Sha256Hex(canonical_json));
  *response.mutable_warnings() = FindWarnings(snapshot, request.spec());
  if (response.config_digest() == request.if_digest()) {
    response.set_not_modified(true);
    return response;
  }
  if (request.include_quark_json()) response.set_quark_json(QuarkJson(*config, snapshot.catalog().traits()));
  if (request.include_canonical_json()) response.set_canonical_json(std::move(canonical_json));
  *response.mutable_config() = *std::move(config);
  if (response.ByteSizeLong() > limits.answer_bytes) {
    return Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
        .ToStatus(absl::StrCat("the answer has ", response.ByteSizeLong(), " bytes, more than the ",
                               limits.answer_bytes, " allowed; ask for less, or without its JSON forms"));
  }
  return response;
}

}  // namespace qconfig
