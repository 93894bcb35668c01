// SPDX-License-Identifier: Apache-2.0
//
// What the server's checks of itself notice, what clients see of failures of the storage, and what only the log shows.
#include "server/app/self_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/core/test_support.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

absl::Status Register(TestServer& server, const std::string& name) {
  return server.client()
      .RegisterScheme(Proto<v1::RegisterSchemeRequest>("scheme { name: '" + name + "' config {} }"))
      .status();
}

TEST(SelfChecksTest, CallsOfTheServerItselfLeaveNoTrace) {
  TestServer server;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(server.server().CheckReceiving().ok());
    EXPECT_TRUE(server.server().CheckCalls().ok()) << server.server().CheckCalls();
  }
  const MetricsText metrics(server.metrics());
  EXPECT_EQ(metrics.Sum("grpc_server_started_total"), 0);
  EXPECT_EQ(metrics.Sum("qconfig_tenant_calls_total"), 0);
  EXPECT_EQ(server.answer_cache().counts().misses, 0);
  EXPECT_EQ(server.answer_cache().counts().answers, 0);
  EXPECT_EQ(server.registry().tenants_in_memory(), 0);
  EXPECT_EQ(server.in_flight_calls().running(), 0);
  EXPECT_EQ(server.log(), "");
}

TEST(SelfChecksTest, NoticesThatAllPlacesAreTaken) {
  TestSettings settings;
  settings.in_flight_calls = std::make_shared<InFlightCalls>(1);
  const auto in_flight_calls = settings.in_flight_calls;
  TestServer server(std::move(settings));
  {
    const auto place = in_flight_calls->Enter([] { return "peer"; });
    ASSERT_TRUE(place.ok());
    EXPECT_EQ(ReasonAndField(server.server().CheckCalls()), "OVERLOADED");
    EXPECT_TRUE(server.server().CheckReceiving().ok());
  }
  EXPECT_TRUE(server.server().CheckCalls().ok());
}

TEST(SelfChecksTest, NoticesThatNoMoreWritesAreAccepted) {
  auto owned = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore& store = *owned;
  TestSettings settings;
  settings.store = std::move(owned);
  settings.max_writing_calls = 1;
  TestServer server(std::move(settings));
  store.HoldCommits();
  std::thread writer([&server] { EXPECT_TRUE(Register(server, "s").ok()); });
  store.WaitForHeldCommits(1);
  EXPECT_EQ(ReasonAndField(server.server().CheckCalls()), "OVERLOADED");
  store.ReleaseCommits();
  writer.join();
  EXPECT_TRUE(server.server().CheckCalls().ok());
  store.FailReads(StorageUnavailable("gone"));
  EXPECT_EQ(ReasonAndField(server.server().CheckCalls()), "STORAGE_UNAVAILABLE");
}

// Otherwise any client could let the server seem to be broken.
TEST(SelfChecksTest, NoClientCanKeepTheTenantOfTheChecksFromWriting) {
  auto owned = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore& store = *owned;
  TestSettings settings;
  settings.store = std::move(owned);
  TestServer server(std::move(settings));
  store.HoldCommits();
  std::thread writer([&server] {
    client::Client client = server.NewClient("qconfig-self-check");
    EXPECT_TRUE(client.RegisterScheme(Proto<v1::RegisterSchemeRequest>("scheme { name: 's' config {} }")).ok());
  });
  store.WaitForHeldCommits(1);
  EXPECT_TRUE(server.server().CheckCalls().ok());
  store.ReleaseCommits();
  writer.join();
}

TEST(SelfChecksTest, EndWithTheServer) {
  TestServer server;
  server.server().Shutdown(absl::ZeroDuration());
  EXPECT_FALSE(server.server().CheckReceiving().ok());
  EXPECT_FALSE(server.server().CheckCalls().ok());
}

// A server whose registry is in a file.
class StorageFailureTest : public testing::Test {
 protected:
  StorageFailureTest() {
    SqliteOptions options;
    options.path = path_;
    TestSettings settings;
    settings.store = SqliteStore::Open(options).value();
    server_ = std::make_unique<TestServer>(std::move(settings));
    EXPECT_TRUE(Register(*server_, "first").ok());
  }

  // The operator finds the file in the log; clients do not learn its name.
  void ExpectOnlyTheLogNamesTheFile(const absl::Status& status, const std::string& text) {
    EXPECT_EQ(ReceivedReasonAndField(status), "STORAGE_UNAVAILABLE");
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
    for (const std::string& part : {std::string(status.message()), client::ErrorOf(status).ShortDebugString()}) {
      EXPECT_THAT(part, Not(HasSubstr(directory_.Path(""))));
      EXPECT_THAT(part, Not(HasSubstr("registry.db")));
    }
    EXPECT_THAT(server_->log(), HasSubstr(path_));
  }

  const TempDirectory directory_;
  const std::string path_ = directory_.Path("registry.db");
  std::unique_ptr<TestServer> server_;
};

TEST_F(StorageFailureTest, MovedFile) {
  std::filesystem::rename(path_, path_ + ".moved");
  ExpectOnlyTheLogNamesTheFile(Register(*server_, "s"), "moved or replaced");
}

TEST_F(StorageFailureTest, RemovedLog) {
  std::filesystem::remove(path_ + "-wal");
  ExpectOnlyTheLogNamesTheFile(Register(*server_, "s"), "the log of the registry's database was removed");
}

TEST_F(StorageFailureTest, DirectoryInPlaceOfTheLog) {
  std::filesystem::remove(path_ + "-wal");
  std::filesystem::create_directory(path_ + "-wal");
  ExpectOnlyTheLogNamesTheFile(Register(*server_, "s"), "removed or replaced");
}

}  // namespace
}  // namespace qconfig
