// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/fault_injecting_store.h"

#include <gtest/gtest.h>

#include "server/registry/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_engines.h"

namespace qconfig {
namespace {

TEST(FaultInjectingStoreTest, CommitsFailAsConfigured) {
  FaultInjectingStore store(std::make_unique<MemoryStore>(HistoryLimits{}));
  store.FailBeforeStoring(StorageFull("no room"));
  store.FailAfterStoring(StorageUnavailable("lost"));
  EXPECT_EQ(Described(store.Commit(Tenant("a"), Write(2, {PutScheme("s")}))), "STORAGE_FULL");
  EXPECT_EQ(Loaded(store, "a"), "1 : ; ");
  EXPECT_EQ(Described(store.Commit(Tenant("a"), Write(2, {PutScheme("s")}))), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(Loaded(store, "a"), "2 : s=; ");
  EXPECT_EQ(Described(store.Commit(Tenant("a"), Write(3, {}))), "1 to 3");
}

TEST(FaultInjectingStoreTest, ReadsFailUntilReset) {
  FaultInjectingStore store(std::make_unique<MemoryStore>(HistoryLimits{}));
  store.FailReads(StorageUnavailable("no disk"));
  EXPECT_EQ(Described(store.Revisions(Tenant("a"))), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(Loaded(store, "a"), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(ChangesOf(store, "a", 1), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(ReasonAndField(store.FindRequest(Tenant("a"), "r").status()), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(Described(store.Commit(Tenant("a"), Write(2, {}))), "1 to 2");
  store.FailReads(absl::OkStatus());
  EXPECT_EQ(Described(store.Revisions(Tenant("a"))), "1 to 2");
}

// Without faults, it satisfies the contract of every store.
INSTANTIATE_TEST_SUITE_P(FaultInjecting, StoreConformanceTest,
                         testing::Values(StoreEngine{"Memory", false,
                                                     [](const std::string&, const HistoryLimits& history) {
                                                       return std::make_unique<FaultInjectingStore>(
                                                           std::make_unique<MemoryStore>(history));
                                                     }}),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace qconfig
