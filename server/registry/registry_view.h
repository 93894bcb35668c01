// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_REGISTRY_VIEW_H_
#define QCONFIG_SERVER_REGISTRY_REGISTRY_VIEW_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/catalog.h"
#include "core/snapshot.h"

namespace qconfig {

// A tenant's registry at one revision, and its snapshots: one for each catalogue, made when it is first requested.
// Thread-safe.
class RegistryView {
 public:
  RegistryView(RegistryState state, size_t catalogs)
      : state_(std::make_shared<const RegistryState>(std::move(state))), snapshots_(catalogs) {}

  const std::shared_ptr<const RegistryState>& state() const { return state_; }

  // The snapshot over the catalogue `index` of `catalogs`, those of the server.
  std::shared_ptr<const Snapshot> Over(const Catalogs& catalogs, size_t index) const {
    LazySnapshot& lazy = snapshots_[index];
    std::call_once(lazy.once,
                   [&] { lazy.snapshot = std::make_shared<const Snapshot>(catalogs[index], state_, catalogs); });
    return lazy.snapshot;
  }

 private:
  struct LazySnapshot {
    std::once_flag once;
    std::shared_ptr<const Snapshot> snapshot;
  };

  std::shared_ptr<const RegistryState> state_;
  mutable std::vector<LazySnapshot> snapshots_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_REGISTRY_VIEW_H_
