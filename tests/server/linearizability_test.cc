// SPDX-License-Identifier: Apache-2.0
//
// Clients write and read the registries of two tenants at the same time, over a real port. For each tenant, all answers
// fit one registry that does one call after the other: also answers from the cache, after evictions, and when calls
// time out or the store fails and clients retry.
//
// The environment variable QCONFIG_MODEL_SECONDS makes the tests longer (default: one round each), and QCONFIG_SEED
// sets the seed.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/base/clock.h"
#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/server/recording_client.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/registry_history.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

constexpr int kWritersPerTenant = 2;
constexpr int kReadersPerTenant = 3;
constexpr int kWritesPerWriter = 60;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* const text = std::getenv(name);
  int64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

class LinearizabilityTest : public testing::Test {
 protected:
  LinearizabilityTest() { std::printf("QCONFIG_SEED=%llu\n", static_cast<unsigned long long>(seed_)); }

  // Rounds of calls to `server`, each with new tenants. `faults`: some commits to it fail, and may be stored.
  void RunRounds(TestServer& server, FaultInjectingStore* faults = nullptr) {
    const absl::Duration end = Clock().Steady() + absl::Seconds(FromEnvironment("QCONFIG_MODEL_SECONDS", 0));
    int rounds = 0;
    do {
      RunRound(server, {absl::StrCat("a", rounds), absl::StrCat("b", rounds)}, faults);
      ++rounds;
    } while (Clock().Steady() < end && !HasFailure());
    std::printf("%d rounds, %lld calls\n", rounds, static_cast<long long>(calls_));
  }

 private:
  void RunRound(TestServer& server, const std::vector<std::string>& tenants, FaultInjectingStore* faults) {
    std::atomic<int> contents = 0;
    std::atomic<int> writing = static_cast<int>(tenants.size()) * kWritersPerTenant;
    std::map<std::string, std::deque<RecordingClient>> recorders;
    for (const std::string& tenant : tenants) {
      for (int i = 0; i < kWritersPerTenant + kReadersPerTenant; ++i) {
        recorders[tenant].emplace_back(server, tenant, random_(), contents);
      }
    }
    std::vector<std::thread> threads;
    for (auto& [tenant, of_tenant] : recorders) {
      for (int i = 0; i < kWritersPerTenant + kReadersPerTenant; ++i) {
        RecordingClient& recorder = of_tenant[static_cast<size_t>(i)];
        const bool writes = i < kWritersPerTenant;
        threads.emplace_back([&recorder, &writing, writes, faults] {
          for (int n = 0; writes && n < kWritesPerWriter; ++n) {
            if (faults != nullptr && n % 8 == 0) faults->FailAfterStoring(StorageUnavailable("injected"));
            if (faults != nullptr && n % 8 == 4) faults->FailBeforeStoring(StorageUnavailable("injected"));
            recorder.WriteOnce();
          }
          if (writes) --writing;
          while (!writes && writing > 0) recorder.ReadOnce();
        });
      }
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& [tenant, of_tenant] : recorders) CheckTenant(server, tenant, of_tenant);
  }

  void CheckTenant(TestServer& server, const std::string& tenant, const std::deque<RecordingClient>& recorders) {
    RegistryHistory history;
    history.first[kCatalogEntry] = kFirstCatalog;
    v1::ListChangesRequest request;
    request.set_page_size(1000);
    request.set_view(v1::ENTRY_VIEW_FULL);
    const auto changes = server.NewClient(tenant).ListAllChanges(request);
    ASSERT_TRUE(changes.ok()) << changes.status();
    for (auto record = changes->changes().rbegin(); record != changes->changes().rend(); ++record) {
      history.stored.push_back(ToStoredWrite(*record));
    }
    for (const RecordingClient& recorder : recorders) {
      recorder.AddTo(history);
      calls_ += recorder.calls();
    }
    EXPECT_EQ(FindViolation(history), "");
  }

 protected:
  const uint64_t seed_ = static_cast<uint64_t>(FromEnvironment("QCONFIG_SEED", std::random_device()() & 0xFFFFFF));
  std::mt19937_64 random_{seed_};
  int64_t calls_ = 0;
};

TEST_F(LinearizabilityTest, HoldsWithCaches) {
  TestServer server;
  RunRounds(server);
  EXPECT_GT(server.answer_cache().counts().hits, 0) << "no answer came from the cache";
}

TEST_F(LinearizabilityTest, HoldsWhileCachesEvict) {
  TestSettings settings;
  settings.cache_bytes = 4096;
  settings.answer_cache_bytes = 4'000;
  TestServer server(std::move(settings));
  RunRounds(server);
  EXPECT_GT(server.answer_cache().counts().evictions, 0) << "no answer was evicted";
}

TEST_F(LinearizabilityTest, HoldsWhileTheStoreFails) {
  auto store = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore& faults = *store;
  TestSettings settings;
  settings.store = std::move(store);
  TestServer server(std::move(settings));
  RunRounds(server, &faults);
}

TEST_F(LinearizabilityTest, HoldsOnDisk) {
  const TempDirectory directory;
  SqliteOptions options;
  options.path = directory.Path("registry.db");
  TestSettings settings;
  settings.store = SqliteStore::Open(options).value();
  TestServer server(std::move(settings));
  RunRounds(server);
}

}  // namespace
}  // namespace qconfig
