// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/open_store.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/sqlite_store.h"

namespace qconfig {

absl::StatusOr<std::unique_ptr<RegistryStore>> OpenStore(const std::string& storage, const HistoryLimits& history,
                                                         const std::function<void(const std::string&)>& warn,
                                                         const DamageListener& on_damage) {
  if (storage == "memory") return std::make_unique<MemoryStore>(history);
  absl::string_view path = storage;
  if (absl::ConsumePrefix(&path, "sqlite:") && !path.empty()) {
    SqliteOptions options;
    options.path = std::string(path);
    options.history = history;
    options.warn = warn;
    if (on_damage != nullptr) {
      options.on_damage = on_damage;
      options.scrub_interval = absl::Hours(24);
    }
    return SqliteStore::Open(options);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown storage \"", storage, "\"; use memory, or sqlite:PATH with the path of a file"));
}

}  // namespace qconfig
