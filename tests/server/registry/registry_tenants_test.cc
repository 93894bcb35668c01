// SPDX-License-Identifier: Apache-2.0
//
// The limit on the number of tenants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

class RegistryTenantsTest : public testing::Test {
 protected:
  RegistryTenantsTest() {
    auto store = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
    store_ = store.get();
    TestSettings settings;
    settings.store = std::move(store);
    settings.max_tenants = 3;
    server_ = std::make_unique<TestServer>(std::move(settings));
  }

  absl::Status Put(const std::string& tenant, const std::string& name = "s", const std::string& more = "") {
    return server_->NewClient(tenant)
        .RegisterScheme(
            Proto<v1::RegisterSchemeRequest>(absl::StrCat("scheme { name: '", name, "' config {} } ", more)))
        .status();
  }

  FaultInjectingStore* store_ = nullptr;
  std::unique_ptr<TestServer> server_;
};

TEST_F(RegistryTenantsTest, FirstWritesAboveTheLimitAreRejected) {
  for (const char* tenant : {"a", "b", "c"}) EXPECT_EQ(ReceivedReasonAndField(Put(tenant)), "OK");
  for (const char* more : {"", "validate_only: true"}) {
    const absl::Status status = Put("d", "s", more);
    EXPECT_EQ(ReceivedReasonAndField(status), "QUOTA_EXCEEDED at tenant");
    EXPECT_THAT(std::string(status.message()), HasSubstr("the server has its maximum number of tenants, 3"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("ask the operator to raise --max-tenants"));
  }
  EXPECT_EQ(ReceivedReasonAndField(Put("a", "other")), "OK") << "existing tenants go on";
  EXPECT_TRUE(server_->NewClient("e").ListSchemes({}).ok()) << "reading creates no tenant";
  EXPECT_EQ(store_->tenants(), 3);
}

TEST_F(RegistryTenantsTest, OnlyStoredWritesCount) {
  EXPECT_EQ(ReceivedReasonAndField(Put("a", "s", "validate_only: true")), "OK");
  EXPECT_EQ(ReceivedReasonAndField(Put("b", "fp8")), "SCHEME_EXISTS at scheme.name");
  for (int i = 0; i < 5; ++i) {
    store_->FailBeforeStoring(StorageFull("no room"));
    EXPECT_EQ(ReceivedReasonAndField(Put(absl::StrCat("full-", i))), "STORAGE_FULL");
  }
  for (const char* tenant : {"a", "b", "c"}) EXPECT_EQ(ReceivedReasonAndField(Put(tenant)), "OK");
}

TEST_F(RegistryTenantsTest, ConcurrentFirstWritesDoNotExceedTheLimit) {
  store_->HoldCommits();
  std::atomic<int> stored = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&, i] { stored += Put(absl::StrCat("t", i)).ok() ? 1 : 0; });
  }
  store_->WaitForHeldCommits(3);
  store_->ReleaseCommits();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(stored, 3);
  EXPECT_EQ(store_->tenants(), 3);
}

}  // namespace
}  // namespace qconfig
