// SPDX-License-Identifier: Apache-2.0
//
// Effects of storage failures on clients, during and after the failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/registry/storage/memory_store.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

// Pauses the first Load() after it has read, until Resume() is called.
class PausingStore : public FaultInjectingStore {
 public:
  PausingStore() : FaultInjectingStore(std::make_unique<MemoryStore>(HistoryLimits())) {}

  absl::StatusOr<RegistryState> Load(const TenantId& tenant, int64_t revision) const override {
    auto state = FaultInjectingStore::Load(tenant, revision);
    if (is_first_.exchange(false)) {
      paused_.Notify();
      resumed_.WaitForNotification();
    }
    return state;
  }

  void WaitUntilPaused() { paused_.WaitForNotification(); }
  void Resume() { resumed_.Notify(); }

 private:
  mutable std::atomic<bool> is_first_ = true;
  mutable absl::Notification paused_;
  absl::Notification resumed_;
};

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
    return ReceivedReasonAndField(server.client()
                                      .GetConfig(Proto<v1::GetConfigRequest>(
                                          absl::StrCat("spec { model_type: 'llama' scheme: '", scheme, "' } ", rest)))
                                      .status());
  }

  FaultInjectingStore* store_ = nullptr;
};

TEST_F(RegistryFaultTest, FullStorageRejectsWritesAndKeepsServing) {
  TestServer server(Settings());
  ASSERT_TRUE(Put(server, "one").ok());
  store_->FailBeforeStoring(StorageFull("no room"));
  const absl::Status full = Put(server, "two");
  EXPECT_EQ(ReceivedReasonAndField(full), "STORAGE_FULL");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Get(server, "one"), "OK");
  EXPECT_EQ(Get(server, "two"), "SCHEME_NOT_FOUND at spec.scheme");
  EXPECT_TRUE(Put(server, "two").ok()) << "the storage has space again";
}

TEST_F(RegistryFaultTest, WriteWithUnknownOutcomeIsFoundByItsRequestId) {
  TestServer server(Settings());
  const std::string id = "request_id: '123e4567-e89b-42d3-a456-426614174000'";
  store_->FailAfterStoring(StorageUnavailable("the answer was lost"));
  const absl::Status lost = Put(server, "one", id);
  EXPECT_EQ(ReceivedReasonAndField(lost), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(lost.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Put(server, "one", id).ok()) << "repeated like a client's retry";
  EXPECT_EQ(Get(server, "one"), "OK");
  EXPECT_EQ(server.client().ListChanges({})->changes_size(), 1);
  EXPECT_TRUE(Put(server, "two").ok());
}

TEST_F(RegistryFaultTest, WriteWithUnknownOutcomeIsVisibleToReads) {
  TestServer server(Settings());
  ASSERT_TRUE(Put(server, "one").ok());
  store_->FailAfterStoring(StorageUnavailable("the answer was lost"));
  EXPECT_FALSE(Put(server, "two").ok());
  EXPECT_EQ(Get(server, "two"), "OK") << "the cache must not hide the stored write";
}

TEST_F(RegistryFaultTest, WriteWithUnknownOutcomeInvalidatesCachedAnswers) {
  TestServer server(Settings());
  ASSERT_TRUE(Put(server, "one").ok());
  const auto request = Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'one' }");
  EXPECT_EQ(server.client().GetConfig(request)->revision(), 2);
  EXPECT_EQ(server.client().GetConfig(request)->revision(), 2);
  store_->FailAfterStoring(StorageUnavailable("the answer was lost"));
  EXPECT_FALSE(Put(server, "two").ok());
  EXPECT_EQ(server.client().GetConfig(request)->revision(), 3) << "the answer is from before the write";
}

TEST_F(RegistryFaultTest, LogsTheCauseOfAStorageFailure) {
  TestServer server(Settings());
  store_->FailBeforeStoring(StorageFull("no room on /disk"));
  EXPECT_FALSE(Put(server, "one").ok());
  store_->FailBeforeStoring(StorageUnavailable("/disk is gone"));
  EXPECT_FALSE(Put(server, "one").ok());
  server.server().Shutdown(absl::ZeroDuration());  // flushes the log
  EXPECT_THAT(server.log(), testing::HasSubstr("reason=STORAGE_FULL"));
  EXPECT_THAT(server.log(), testing::HasSubstr("[error]"));
  EXPECT_THAT(server.log(), testing::HasSubstr("error=\"no room on /disk\""));
  EXPECT_THAT(server.log(), testing::HasSubstr("error=\"/disk is gone\""));
}

TEST_F(RegistryFaultTest, ServesFromMemoryWhileTheStorageFails) {
  TestServer server(Settings());
  ASSERT_TRUE(Put(server, "one").ok());
  store_->FailReads(StorageUnavailable("gone"));
  EXPECT_EQ(Get(server, "one"), "OK");
  EXPECT_EQ(Get(server, "fp8", "tenant: 'unknown'"), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(ReceivedReasonAndField(server.client().ListChanges({}).status()), "STORAGE_UNAVAILABLE");
  store_->FailReads(absl::OkStatus());
  EXPECT_EQ(Get(server, "fp8", "tenant: 'unknown'"), "OK");
}

TEST_F(RegistryFaultTest, CacheOfSizeZeroReadsFromTheStore) {
  TestSettings settings = Settings(/*cache_bytes=*/1);
  settings.answer_cache_bytes = 0;
  TestServer server(std::move(settings));
  ASSERT_TRUE(Put(server, "one").ok());
  ASSERT_TRUE(Put(server, "two").ok());
  EXPECT_EQ(Get(server, "two"), "OK");
  EXPECT_EQ(Get(server, "two", "revision: 2"), "SCHEME_NOT_FOUND at spec.scheme");
  EXPECT_EQ(Get(server, "one", "revision: 2"), "OK");
  store_->FailReads(StorageUnavailable("gone"));
  EXPECT_EQ(Get(server, "two"), "STORAGE_UNAVAILABLE");
}

TEST_F(RegistryFaultTest, SlowReadDoesNotHideALaterWrite) {
  auto store = std::make_unique<PausingStore>();
  PausingStore& pausing = *store;
  RegistryCommit first;
  *first.record.add_changes()->mutable_put_scheme() = Proto<v1::Scheme>("name: 'one' config {} etag: '2'");
  first.record.add_changes()->set_set_default_catalog(std::string(kDefaultCatalog));
  first.record.set_revision(2);
  ASSERT_TRUE(pausing.Commit(TenantId::Default(), first).ok());
  TestSettings settings;
  settings.store = std::move(store);
  TestServer server(std::move(settings));

  // The call may answer with revision 2, but that answer must not be cached.
  std::thread reader([&] { EXPECT_EQ(Get(server, "one"), "OK"); });
  pausing.WaitUntilPaused();  // Load() has read revision 2
  pausing.FailAfterStoring(StorageUnavailable("the answer was lost"));
  // The write waits for the load of the reader.
  std::thread writer([&] { EXPECT_EQ(ReceivedReasonAndField(Put(server, "two")), "STORAGE_UNAVAILABLE"); });
  pausing.Resume();
  reader.join();
  writer.join();
  EXPECT_EQ(Get(server, "two"), "OK");
  EXPECT_EQ(
      server.client().GetConfig(Proto<v1::GetConfigRequest>("spec { model_type: 'llama' scheme: 'one' }"))->revision(),
      3);
  EXPECT_EQ(Get(server, "two", "revision: 3 min_revision: 3"), "OK");
}

// Counts commits.
class CountingStore : public FaultInjectingStore {
 public:
  CountingStore() : FaultInjectingStore(std::make_unique<MemoryStore>(HistoryLimits())) {}

  absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit) override {
    ++commits_;
    return FaultInjectingStore::Commit(tenant, commit);
  }

  int commits() const { return commits_; }

 private:
  std::atomic<int> commits_ = 0;
};

TEST_F(RegistryFaultTest, WritesOfOneTenantAreSerialized) {
  auto store = std::make_unique<CountingStore>();
  const CountingStore& counting = *store;
  TestSettings settings;
  settings.store = std::move(store);
  TestServer server(std::move(settings));
  constexpr int kWriters = 8;
  constexpr int kEach = 10;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kEach; ++i) EXPECT_TRUE(Put(server, absl::StrCat("s", writer, "-", i)).ok());
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(counting.commits(), kWriters * kEach) << "each write was planned once";
}

TEST_F(RegistryFaultTest, NoCallSeesAStoredWriteBeforeAllDo) {
  TestServer server(Settings());
  ASSERT_TRUE(Put(server, "one").ok());
  RegistryCommit behind;  // stored, but not yet in the cache
  *behind.record.add_changes()->mutable_put_scheme() = Proto<v1::Scheme>("name: 'two' config {}");
  behind.record.set_revision(3);
  ASSERT_TRUE(store_->Commit(TenantId::Default(), behind).ok());
  const auto changes = server.client().ListChanges({});
  EXPECT_EQ(changes->revision(), 2);
  EXPECT_EQ(changes->changes(0).revision(), 2);
  EXPECT_EQ(Get(server, "two", "revision: 3"), "REVISION_IN_FUTURE at revision");
  ASSERT_TRUE(Put(server, "three").ok());  // finds the other write
  EXPECT_EQ(server.client().ListChanges({})->revision(), 4);
  EXPECT_EQ(Get(server, "two", "revision: 3"), "OK");
}

}  // namespace
}  // namespace qconfig
