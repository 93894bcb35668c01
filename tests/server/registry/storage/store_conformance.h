// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_CONFORMANCE_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "server/registry/storage/registry_store.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {

struct StoreEngine {
  std::string name;
  // Whether a store keeps its data when it is reopened.
  bool durable = false;
  std::function<std::unique_ptr<RegistryStore>(const std::string& path, const HistoryLimits& history)> open;
};

// RegistryStore's full contract, without exceptions for any engine. To test an engine:
//
//   INSTANTIATE_TEST_SUITE_P(Mine, StoreConformanceTest, testing::Values(StoreEngine{...}));
class StoreConformanceTest : public testing::TestWithParam<StoreEngine> {
 protected:
  StoreConformanceTest() { Open(HistoryLimits{}); }

  // Opens a new, empty store with these limits.
  void Open(const HistoryLimits& history) {
    store_.reset();
    history_ = history;
    store_ = GetParam().open(directory_.Path(std::to_string(++opened_)), history_);
  }
  // Reopens the store if the engine is durable.
  void Reopen() {
    if (!GetParam().durable) return;
    store_.reset();
    store_ = GetParam().open(directory_.Path(std::to_string(opened_)), history_);
  }

  // Commits `changes` as the next revision of tenant "a", and returns the result as text.
  std::string Commit(const std::vector<v1::RegistryChange>& changes) {
    return Described(store_->Commit(Tenant("a"), Write(store_->Revisions(Tenant("a"))->next, changes)));
  }
  std::string Load(int64_t revision = 0) { return Loaded(*store_, "a", revision); }
  std::string Changes(int64_t revision, size_t max = 1000) { return ChangesOf(*store_, "a", revision, max); }
  std::string Revisions(absl::string_view tenant = "a") { return Described(store_->Revisions(Tenant(tenant))); }

  TempDirectory directory_;
  HistoryLimits history_;
  int opened_ = 0;
  std::unique_ptr<RegistryStore> store_;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_CONFORMANCE_H_
