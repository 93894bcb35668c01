// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_STORAGE_DAMAGE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_STORAGE_DAMAGE_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// STORAGE_UNAVAILABLE: something stored is damaged. `what` names it, such as "tenant a: scheme \"s\" ...", without the
// path of the file, because clients read it.
absl::Status StorageDamaged(absl::string_view what);

// StorageDamaged() for "tenant a: `what`". The tenant's name can be any bytes.
absl::Status TenantDamaged(absl::string_view tenant, absl::string_view what);

// `what`, if the status is one of StorageDamaged().
std::optional<std::string> DamageIn(const absl::Status& status);

// Called for each damage that is found, as often as it is found, on any thread.
using DamageListener = std::function<void(const std::string& what)>;

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_STORAGE_DAMAGE_H_
