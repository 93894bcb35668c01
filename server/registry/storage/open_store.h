// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_OPEN_STORE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_OPEN_STORE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {

// The store that the option `storage` names: "memory", or "sqlite:PATH". `warn` is called with a sentence when opening
// it begins a new epoch. kInvalidArgument: it names none; else what the engine's own Open() fails with.
absl::StatusOr<std::unique_ptr<RegistryStore>> OpenStore(
    const std::string& storage, const HistoryLimits& history,
    const std::function<void(const std::string&)>& warn = [](const std::string&) {});

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_OPEN_STORE_H_
