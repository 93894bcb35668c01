// SPDX-License-Identifier: Apache-2.0
//
// Measures the cost of registering a scheme in each engine, and a floor in the same run: one plain SQLite transaction
// per write, by one thread, in the same directory. Set TMPDIR to measure another disk. `--many` also loads one of
// 100,000 tenants, which take minutes to create.
#include <benchmark/benchmark.h>

#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/sqlite_store.h"
#include "tests/benchmark/temp_directory.h"

namespace qconfig {
namespace {

TenantId Tenant(int64_t number) { return TenantId::Parse(absl::StrCat("tenant-", number), "tenant").value(); }

// A write that puts schemes named after its revision, each about as large as one of a catalogue.
RegistryCommit Write(int64_t revision, int schemes = 1) {
  RegistryCommit commit;
  commit.record.set_revision(revision);
  commit.record.mutable_time()->set_seconds(1'700'000'000 + revision);
  commit.record.set_request_id(absl::StrCat("8d3a5a4e-6c1f-4a3e-9c52-", revision));
  commit.request_digest = std::string(32, 'd');
  for (int i = 0; i < schemes; ++i) {
    v1::Scheme& scheme = *commit.record.add_changes()->mutable_put_scheme();
    scheme.set_name(absl::StrCat("scheme-", revision, "-", i));
    scheme.set_description(std::string(300, 'x'));
  }
  return commit;
}

std::unique_ptr<SqliteStore> OpenSqlite(const TempDirectory& directory) {
  SqliteOptions options;
  options.path = directory.Path("registry");
  return SqliteStore::Open(options).value();
}

// A registry stays small, so that costs that grow with its entries do not count.
constexpr int64_t kWritesPerTenant = 100;

void BM_Register_Memory(benchmark::State& state) {
  MemoryStore store{HistoryLimits{}};
  int64_t write = 0;
  for (auto _ : state) {
    store.Commit(Tenant(write / kWritesPerTenant), Write(2 + write % kWritesPerTenant)).value();
    ++write;
  }
  state.SetItemsProcessed(state.iterations());
}

// The least cost of durable writes, each in its own transaction.
void BM_Floor_PlainTransaction(benchmark::State& state) {
  const TempDirectory directory;
  OpenSqlite(directory);  // for its file, which has the same settings
  auto connection =
      SqliteConnection::Open(directory.Path("registry"), SqliteConnection::Mode::kWrite, absl::ZeroDuration()).value();
  if (!connection.Execute("PRAGMA synchronous = FULL; CREATE TABLE floor (value BLOB)").ok()) std::abort();
  int64_t revision = 1;
  for (auto _ : state) {
    auto transaction = SqliteTransaction::BeginWrite(connection).value();
    const std::string value = Write(++revision).record.SerializeAsString();
    if (!SqliteQuery(connection, "INSERT INTO floor VALUES (?)", SqliteQuery::Blob{value}).Run().ok()) std::abort();
    if (!transaction.Commit().ok()) std::abort();
  }
  state.SetItemsProcessed(state.iterations());
}

// In one iteration, each thread makes kWritesEach writes to its own tenant.
void BM_Register_Sqlite(benchmark::State& state) {
  const TempDirectory directory;
  const auto store = OpenSqlite(directory);
  const int64_t threads = state.range(0);
  constexpr int64_t kWritesEach = 16;
  int64_t revision = 1;
  for (auto _ : state) {
    std::vector<std::thread> writers;
    for (int64_t writer = 0; writer < threads; ++writer) {
      writers.emplace_back([&store, writer, revision] {
        for (int64_t i = 1; i <= kWritesEach; ++i) store->Commit(Tenant(writer), Write(revision + i)).value();
      });
    }
    for (std::thread& writer : writers) writer.join();
    revision += kWritesEach;
  }
  const SqliteStats stats = store->stats();
  state.SetItemsProcessed(stats.writes);
  state.counters["writes_per_transaction"] =
      static_cast<double>(stats.writes) / static_cast<double>(stats.transactions);
}

// Writes to a tenant whose history is full, so that each write deletes the oldest revision.
void BM_Register_Sqlite_FullHistory(benchmark::State& state) {
  const TempDirectory directory;
  const auto store = OpenSqlite(directory);
  constexpr int64_t kEntries = 2'000;
  int64_t revision = 1;
  const auto write = [&] {
    ++revision;
    RegistryCommit commit = Write(revision);
    commit.record.mutable_changes(0)->mutable_put_scheme()->set_name(absl::StrCat("scheme-", revision % kEntries));
    store->Commit(Tenant(0), commit).value();
  };
  while (revision <= HistoryLimits{}.max_changes) write();
  for (auto _ : state) write();
  state.SetItemsProcessed(state.iterations());
}

// Loads the newest state of a tenant with state.range(0) entries.
void BM_Load_Sqlite_Entries(benchmark::State& state) {
  const TempDirectory directory;
  const auto store = OpenSqlite(directory);
  store->Commit(Tenant(0), Write(2, static_cast<int>(state.range(0)))).value();
  for (auto _ : state) benchmark::DoNotOptimize(store->Load(Tenant(0), 0).value());
  state.SetItemsProcessed(state.iterations());
}

// Loads the newest state of a different tenant each time. Each has 20 entries.
void BM_Load_Sqlite(benchmark::State& state) {
  const TempDirectory directory;
  const auto store = OpenSqlite(directory);
  const int64_t tenants = state.range(0);
  constexpr int64_t kFillers = 64;
  constexpr int64_t kStride = 7919;
  std::vector<std::thread> fillers;
  for (int64_t filler = 0; filler < kFillers; ++filler) {
    fillers.emplace_back([&store, filler, tenants] {
      for (int64_t i = filler; i < tenants; i += kFillers) store->Commit(Tenant(i), Write(2, 20)).value();
    });
  }
  for (std::thread& filler : fillers) filler.join();
  int64_t tenant = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(store->Load(Tenant(tenant), 0).value());
    tenant = (tenant + kStride) % tenants;
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) {
  using namespace qconfig;
  benchmark::Initialize(&argc, argv);
  const bool many = argc > 1 && std::strcmp(argv[1], "--many") == 0;
  if (many) --argc;
  if (argc > 1) {
    std::cerr << "unknown argument; the only option is --many" << std::endl;
    return 1;
  }
  benchmark::AddCustomContext("directory", std::filesystem::temp_directory_path());

  benchmark::RegisterBenchmark("BM_Register_Memory", BM_Register_Memory);
  benchmark::RegisterBenchmark("BM_Floor_PlainTransaction", BM_Floor_PlainTransaction)->UseRealTime();
  benchmark::RegisterBenchmark("BM_Register_Sqlite/writers", BM_Register_Sqlite)->Arg(1)->Arg(64)->UseRealTime();
  benchmark::RegisterBenchmark("BM_Register_Sqlite_FullHistory", BM_Register_Sqlite_FullHistory)->UseRealTime();
  benchmark::RegisterBenchmark("BM_Load_Sqlite_Entries", BM_Load_Sqlite_Entries)->Arg(20)->Arg(2'000)->Arg(9'000);
  auto* load = benchmark::RegisterBenchmark("BM_Load_Sqlite/tenants", BM_Load_Sqlite)->Arg(1)->Arg(1'000);
  if (many) load->Arg(100'000);
  benchmark::RunSpecifiedBenchmarks();
}
