// SPDX-License-Identifier: Apache-2.0
//
// Measures the cost of finding a tenant's snapshot and an entry in it, the memory of a tenant's entries, and the cost
// of a write without its store. Each tenant has 16 schemes and 4 templates, as large as those of a catalogue.
// `--many` also measures 100,000 tenants, which need several GB in memory and in TMPDIR. `--fill FILE TENANTS` measures
// nothing and writes an SQLite file with that many tenants, named t00000000 and so on.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/builtin_catalogs.h"
#include "core/registration.h"
#include "server/registry/registry.h"
#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/open_store.h"
#include "tests/benchmark/temp_directory.h"

namespace qconfig {
namespace {

constexpr int kSchemes = 16;
constexpr int kTemplates = 4;

TenantId Tenant(int64_t number) { return TenantId::Parse(absl::StrFormat("t%08d", number), "tenant").value(); }

RegistrySettings Settings() {
  RegistrySettings settings;
  settings.catalogs = LoadBuiltinCatalogs().value();
  settings.default_catalog = std::string(kDefaultCatalog);
  settings.cache_bytes = size_t{64} << 30;  // everything stays in memory
  return settings;
}

// The first write of a tenant, which puts all its entries.
RegistryCommit FirstWrite(const Catalog& catalog) {
  RegistryCommit commit;
  commit.record.set_revision(2);
  commit.record.add_changes()->set_set_default_catalog(catalog.name());
  for (int i = 0; i < kSchemes; ++i) {
    v1::Scheme& scheme = *commit.record.add_changes()->mutable_put_scheme();
    scheme = catalog.schemes()[static_cast<size_t>(i)];
    scheme.set_name(absl::StrCat("own-", scheme.name()));
    scheme.set_origin(v1::REGISTRY_ORIGIN_TENANT);
    scheme.set_etag("2");
  }
  for (int i = 0; i < kTemplates; ++i) {
    v1::LlmTemplate& entry = *commit.record.add_changes()->mutable_put_template();
    entry = catalog.templates()[static_cast<size_t>(i)];
    entry.set_origin(v1::REGISTRY_ORIGIN_TENANT);
    entry.set_etag("2");
  }
  return commit;
}

// Writes the tenants from many threads, so that SQLite can put their writes into one transaction.
void Fill(RegistryStore& store, int64_t tenants) {
  const RegistryCommit write = FirstWrite(*Settings().catalogs.front());
  constexpr int64_t kFillers = 64;
  std::vector<std::thread> fillers;
  for (int64_t filler = 0; filler < kFillers; ++filler) {
    fillers.emplace_back([&, filler] {
      for (int64_t i = filler; i < tenants; i += kFillers) store.Commit(Tenant(i), write).value();
    });
  }
  for (std::thread& filler : fillers) filler.join();
}

// A registry with all its tenants in memory.
class FilledRegistry {
 public:
  explicit FilledRegistry(int64_t tenants) {
    Fill(*store_, tenants);
    const size_t before = mallinfo2().uordblks;
    for (int64_t i = 0; i < tenants; ++i) Get(i).value();
    const size_t after = mallinfo2().uordblks;
    bytes_per_entry_ = static_cast<double>(after - before) / static_cast<double>(tenants * (kSchemes + kTemplates));
  }

  absl::StatusOr<std::shared_ptr<const Snapshot>> Get(int64_t tenant) const {
    return registry_.Get({Tenant(tenant), "", 0, 0, absl::InfiniteDuration(), nullptr});
  }

  double bytes_per_entry() const { return bytes_per_entry_; }

 private:
  const TempDirectory directory_;
  const std::unique_ptr<RegistryStore> store_ =
      OpenStore("sqlite:" + directory_.Path("registry.db"), HistoryLimits()).value();
  Registry registry_{Settings(), *store_};
  double bytes_per_entry_ = 0;
};

// Fills each registry once, although a benchmark runs several times.
class FilledRegistries {
 public:
  const FilledRegistry& Get(int64_t tenants) {
    auto& registry = registries_[tenants];
    if (registry == nullptr) registry = std::make_unique<FilledRegistry>(tenants);
    return *registry;
  }

 private:
  std::map<int64_t, std::unique_ptr<FilledRegistry>> registries_;
};

// Finds the newest snapshot of a different tenant each time, in an order that defeats the processor's caches.
void BM_Lookup(benchmark::State& state, FilledRegistries* registries) {
  const int64_t tenants = state.range(0);
  const FilledRegistry& registry = registries->Get(tenants);
  constexpr int64_t kStride = 7919;
  int64_t tenant = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(registry.Get(tenant));
    tenant = (tenant + kStride) % tenants;
  }
  state.counters["bytes_per_entry"] = registry.bytes_per_entry();
}

// Always finds the newest snapshot of the same tenant.
void BM_LookupSame(benchmark::State& state, FilledRegistries* registries) {
  const FilledRegistry& registry = registries->Get(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(registry.Get(0));
}

// The work of BM_Lookup other than the lookup.
void BM_Floor_MakeTenantId(benchmark::State& state) {
  int64_t tenant = 0;
  for (auto _ : state) benchmark::DoNotOptimize(Tenant(++tenant % 100'000));
}

// A write that puts `schemes` schemes.
RegistryCommit WriteOfSchemes(const Catalog& catalog, int64_t schemes) {
  RegistryCommit commit;
  commit.record.set_revision(2);
  commit.record.add_changes()->set_set_default_catalog(catalog.name());
  for (int64_t i = 0; i < schemes; ++i) {
    v1::Scheme& scheme = *commit.record.add_changes()->mutable_put_scheme();
    scheme = catalog.schemes().front();
    scheme.set_name(absl::StrCat("own-", i));
    scheme.set_origin(v1::REGISTRY_ORIGIN_TENANT);
    scheme.set_etag("2");
  }
  return commit;
}

// Finds one scheme after the other in a registry with state.range(0) schemes.
void BM_FindScheme(benchmark::State& state) {
  MemoryStore store{HistoryLimits{}};
  const Registry registry(Settings(), store);
  const int64_t schemes = state.range(0);
  store.Commit(Tenant(0), WriteOfSchemes(*registry.catalogs().front(), schemes)).value();
  const auto snapshot = registry.Get({Tenant(0), "", 0, 0, absl::InfiniteDuration(), nullptr}).value();
  std::vector<std::string> names;
  for (int64_t i = 0; i < schemes; ++i) names.push_back(absl::StrCat("own-", i));
  constexpr size_t kStride = 7919;
  size_t scheme = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(snapshot->FindScheme(names[scheme], "scheme"));
    scheme = (scheme + kStride) % names.size();
  }
}

// Registers and unregisters a scheme in memory, in a registry with state.range(0) schemes: checks, planning and the new
// state.
void BM_Write(benchmark::State& state) {
  MemoryStore store{HistoryLimits{}};
  Registry registry(Settings(), store);
  const TenantId tenant = Tenant(0);
  const WriteOrder order{tenant, "", "", "", false, absl::InfiniteDuration(), /*peer=*/"", /*caller=*/""};
  store.Commit(tenant, WriteOfSchemes(*registry.catalogs().front(), state.range(0))).value();
  v1::Scheme scheme = registry.catalogs().front()->schemes().front();
  scheme.set_name("more");
  const auto put = [&](const RegistrationContext& context) { return PutScheme(scheme, PutConditions{}, context); };
  for (auto _ : state) {
    registry.Write(order, put).value();
    registry.Write(order, [](const auto& context) { return DeleteScheme("more", "", context); }).value();
  }
  state.SetItemsProcessed(2 * state.iterations());
}

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) {
  using namespace qconfig;
  if (argc == 4 && std::strcmp(argv[1], "--fill") == 0) {
    Fill(*OpenStore(absl::StrCat("sqlite:", argv[2]), HistoryLimits()).value(), std::atoll(argv[3]));
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  const bool many = argc > 1 && std::strcmp(argv[1], "--many") == 0;
  if (many) --argc;
  if (argc > 1) {
    std::cerr << "unknown argument; the options are --many and --fill FILE TENANTS" << std::endl;
    return 1;
  }
  benchmark::RegisterBenchmark("BM_Floor_MakeTenantId", BM_Floor_MakeTenantId);
  FilledRegistries registries;
  for (auto* lookup : {benchmark::RegisterBenchmark("BM_Lookup/tenants", BM_Lookup, &registries),
                       benchmark::RegisterBenchmark("BM_LookupSame/tenants", BM_LookupSame, &registries)}) {
    lookup->Arg(1)->Arg(1'000)->Arg(10'000);
    if (many) lookup->Arg(100'000);
  }
  benchmark::RegisterBenchmark("BM_FindScheme/schemes", BM_FindScheme)->Arg(20)->Arg(2'000)->Arg(9'000);
  benchmark::RegisterBenchmark("BM_Write/schemes", BM_Write)->Arg(20)->Arg(2'000)->Arg(9'000);
  benchmark::RunSpecifiedBenchmarks();
}
