// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_OPEN_STORE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_OPEN_STORE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/storage_damage.h"

namespace qconfig {

// Opens the store that the option `storage` selects: "memory", or "sqlite:PATH". Calls `warn` with the reason if
// opening it begins a new epoch. With `on_damage`, a file is checked in the background, at the start and then every
// day, and all damage is reported. kInvalidArgument: `storage` is not valid. Other errors are those of the engine's
// Open().
absl::StatusOr<std::unique_ptr<RegistryStore>> OpenStore(
    const std::string& storage, const HistoryLimits& history,
    const std::function<void(const std::string&)>& warn = [](const std::string&) {},
    const DamageListener& on_damage = nullptr);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_OPEN_STORE_H_
