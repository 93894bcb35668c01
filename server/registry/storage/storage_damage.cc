// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/storage_damage.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {
namespace {

constexpr absl::string_view kDamagePayload = "qconfig/damage";

}  // namespace

absl::Status StorageDamaged(absl::string_view what) {
  absl::Status status = StorageUnavailable(
      absl::StrCat("the stored registry is damaged: ", what, "; the operator must restore a backup"));
  status.SetPayload(kDamagePayload, absl::Cord(what));
  return status;
}

absl::Status TenantDamaged(absl::string_view tenant, absl::string_view what) {
  return StorageDamaged(absl::StrCat("tenant ", Printable(tenant, 128), ": ", what));
}

std::optional<std::string> DamageIn(const absl::Status& status) {
  const auto what = status.GetPayload(kDamagePayload);
  if (!what.has_value()) return std::nullopt;
  return std::string(*what);
}

}  // namespace qconfig
