// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/store_engines.h"

#include <utility>

#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/observed_store.h"
#include "server/registry/storage/open_store.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_conformance.h"

namespace qconfig {

StoreEngine MemoryEngine() {
  return {"Memory", false,
          [](const std::string&, const HistoryLimits& history) { return OpenStore("memory", history).value(); }};
}

StoreEngine SqliteEngine() {
  return {"Sqlite", true, [](const std::string& path, const HistoryLimits& history) {
            return OpenStore("sqlite:" + path, history).value();
          }};
}

StoreEngine ObservedEngine() {
  return {"Observed", false, [](const std::string&, const HistoryLimits& history) {
            return std::make_unique<ObservedStore>(OpenStore("memory", history).value(),
                                                   [](StoreOperation, const absl::Status&, absl::Duration) {});
          }};
}

namespace {

INSTANTIATE_TEST_SUITE_P(Engines, StoreConformanceTest,
                         testing::Values(MemoryEngine(), SqliteEngine(), ObservedEngine()),
                         [](const auto& engine) { return engine.param.name; });

TEST(OpenStoreTest, NameSelectsTheEngine) {
  const TempDirectory directory;
  EXPECT_NE(dynamic_cast<MemoryStore*>(OpenStore("memory", {}).value().get()), nullptr);
  EXPECT_NE(dynamic_cast<SqliteStore*>(OpenStore("sqlite:" + directory.Path("db"), {}).value().get()), nullptr);
}

TEST(OpenStoreTest, RejectsUnknownNames) {
  for (const char* name : {"", "Memory", "memory:", "sqlite", "sqlite:", "/tmp/db", "etcd:localhost"}) {
    const auto store = OpenStore(name, {});
    EXPECT_TRUE(absl::IsInvalidArgument(store.status())) << name;
    EXPECT_NE(store.status().message().find("use memory, or sqlite:PATH"), std::string::npos) << store.status();
  }
}

}  // namespace
}  // namespace qconfig
