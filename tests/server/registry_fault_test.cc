// SPDX-License-Identifier: Apache-2.0
//
// What callers see when the storage fails, and afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/fault_injecting_store.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

class RegistryFaultTest : public testing::Test {
 protected:
  TestSettings Settings(size_t cache_bytes = 256u << 20) {
    auto store = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
    store_ = store.get();
    TestSettings settings;
    settings.store = std::move(store);
    settings.cache_bytes = cache_bytes;
    return settings;
  }

  static absl::Status Put(TestServer& server, const std::string& name, const std::string& rest = "") {
    return server.client()
        .RegisterScheme(
            Proto<v1::RegisterSchemeRequest>(absl::StrCat("scheme { name: '", name, "' config {} } ", rest)))
        .status();
  }
  static std::string Get(TestServer& server, const std::string& scheme, const std::string& rest = "") {
    return ToldToClient(
        server.client()
            .GetConfig(Proto<v1::GetConfigRequest>(absl::StrCat("model_type: 'llama' scheme: '", scheme, "' ", rest)))
            .status());
  }

  FaultInjectingStore* store_ = nullptr;
};

TEST_F(RegistryFaultTest, FullStorageRefusesTheWriteAndKeepsTheRest) {
  TestServer server(Settings());
  ASSERT_TRUE(Put(server, "one").ok());
  store_->FailBeforeStoring(StorageFull("no room"));
  const absl::Status full = Put(server, "two");
  EXPECT_EQ(ToldToClient(full), "STORAGE_FULL");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Get(server, "one"), "OK");
  EXPECT_EQ(Get(server, "two"), "SCHEME_NOT_FOUND at scheme");
  EXPECT_TRUE(Put(server, "two").ok()) << "there is room again";
}

TEST_F(RegistryFaultTest, WriteOfUnknownOutcomeIsFoundByItsRequestId) {
  TestServer server(Settings());
  const std::string id = "request_id: '123e4567-e89b-42d3-a456-426614174000'";
  store_->FailAfterStoring(StorageUnavailable("the answer was lost"));
  const absl::Status lost = Put(server, "one", id);
  EXPECT_EQ(ToldToClient(lost), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(lost.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Put(server, "one", id).ok()) << "repeated, as a client would";
  EXPECT_EQ(Get(server, "one"), "OK");
  EXPECT_EQ(server.client().ListChanges({})->changes_size(), 1);
  EXPECT_TRUE(Put(server, "two").ok());
}

TEST_F(RegistryFaultTest, WriteOfUnknownOutcomeIsSeenByReads) {
  TestServer server(Settings());
  ASSERT_TRUE(Put(server, "one").ok());
  store_->FailAfterStoring(StorageUnavailable("the answer was lost"));
  EXPECT_FALSE(Put(server, "two").ok());
  EXPECT_EQ(Get(server, "two"), "OK") << "memory must not hide what is stored";
}

TEST_F(RegistryFaultTest, LogSaysWhyTheStorageFailed) {
  TestServer server(Settings());
  store_->FailBeforeStoring(StorageFull("no room on /disk"));
  EXPECT_FALSE(Put(server, "one").ok());
  store_->FailBeforeStoring(StorageUnavailable("/disk is gone"));
  EXPECT_FALSE(Put(server, "one").ok());
  server.server().Shutdown(absl::ZeroDuration());  // after it, everything is logged
  EXPECT_THAT(server.log(), testing::HasSubstr("reason=STORAGE_FULL"));
  EXPECT_THAT(server.log(), testing::HasSubstr("[error]"));
  EXPECT_THAT(server.log(), testing::HasSubstr("error=\"no room on /disk\""));
  EXPECT_THAT(server.log(), testing::HasSubstr("error=\"/disk is gone\""));
}

TEST_F(RegistryFaultTest, WhatIsInMemoryIsAnsweredWhenTheStorageFails) {
  TestServer server(Settings());
  ASSERT_TRUE(Put(server, "one").ok());
  store_->FailReads(StorageUnavailable("gone"));
  EXPECT_EQ(Get(server, "one"), "OK");
  EXPECT_EQ(Get(server, "fp8", "tenant: 'unknown'"), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(ToldToClient(server.client().ListChanges({}).status()), "STORAGE_UNAVAILABLE");
  store_->FailReads(absl::OkStatus());
  EXPECT_EQ(Get(server, "fp8", "tenant: 'unknown'"), "OK");
}

TEST_F(RegistryFaultTest, WithoutRoomInMemoryEverythingIsReadFromTheStore) {
  TestServer server(Settings(/*cache_bytes=*/1));
  ASSERT_TRUE(Put(server, "one").ok());
  ASSERT_TRUE(Put(server, "two").ok());
  EXPECT_EQ(Get(server, "two"), "OK");
  EXPECT_EQ(Get(server, "two", "revision: 2"), "SCHEME_NOT_FOUND at scheme");
  EXPECT_EQ(Get(server, "one", "revision: 2"), "OK");
  store_->FailReads(StorageUnavailable("gone"));
  EXPECT_EQ(Get(server, "two"), "STORAGE_UNAVAILABLE");
}

}  // namespace
}  // namespace qconfig
