// SPDX-License-Identifier: Apache-2.0
#include "server/registry/registry_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "server/registry/storage/memory_store.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

// A cache of a store whose reads can fail, which shows what is cached.
class RegistryCacheTest : public testing::Test {
 protected:
  // Stores a revision with one more scheme and adds it to the cache, like Registry::Write().
  void WriteThrough(const std::string& scheme) {
    const RegistryState before = *cache_.Get(tenant_, 0).value()->state();
    const RegistryCommit commit = Commit(before.revision() + 1, scheme);
    const auto range = store_.Commit(tenant_, commit);
    ASSERT_TRUE(range.ok()) << range.status();
    cache_.Add(tenant_, *range, before.After(commit.record));
  }

  // Stores a revision without adding it to the cache.
  void WriteBehind(int64_t revision, const std::string& scheme) {
    ASSERT_TRUE(store_.Commit(tenant_, Commit(revision, scheme)).ok());
  }

  static RegistryCommit Commit(int64_t revision, const std::string& scheme) {
    return Write(revision, {PutScheme(scheme)});
  }

  // The snapshot as text, such as "2: a=", or the error.
  std::string Get(int64_t revision = 0) { return Get(cache_, tenant_, revision); }
  static std::string Get(RegistryCache& cache, const TenantId& tenant, int64_t revision = 0) {
    const auto view = cache.Get(tenant, revision);
    return view.ok() ? Described(*(*view)->state()) : ReasonName(ItemErrorOf(view.status()).reason());
  }

  // Like Get(), but reads `store_` without a cache.
  std::string Stored(int64_t revision = 0) { return Loaded(store_, tenant_.name(), revision); }

  void FailReads() { store_.FailReads(StorageUnavailable("gone")); }

  const TenantId tenant_ = Tenant("a");
  FaultInjectingStore store_{std::make_unique<MemoryStore>(HistoryLimits())};
  std::vector<std::string> changed_;
  RegistryCache cache_{store_, /*catalogs=*/1, /*max_bytes=*/1 << 20,
                       [this](const TenantId& tenant) { changed_.push_back(tenant.name()); }};
};

TEST_F(RegistryCacheTest, TenantWithoutWritesIsNotCached) {
  EXPECT_EQ(Get(), Stored());
  EXPECT_EQ(cache_.tenants(), 0u);
  EXPECT_EQ(cache_.bytes(), 0u);
  FailReads();
  EXPECT_EQ(Get(), "STORAGE_UNAVAILABLE");
}

TEST_F(RegistryCacheTest, ServesAWriteFromMemory) {
  WriteThrough("s");
  const std::string stored = Stored();
  FailReads();
  EXPECT_EQ(Get(), stored);
  EXPECT_EQ(Get(2), stored);
  EXPECT_EQ(cache_.Revisions(tenant_)->newest, 2);
  EXPECT_EQ(cache_.tenants(), 1u);
  EXPECT_GT(cache_.bytes(), 0u);
}

TEST_F(RegistryCacheTest, ReadsSupersededRevisionsFromTheStore) {
  WriteThrough("s");
  WriteThrough("t");
  EXPECT_EQ(Get(2), Stored(2));
  FailReads();
  EXPECT_EQ(Get(2).substr(0, 2), "2 ") << "past revisions are cached when they are read";
  EXPECT_EQ(Get(1), "STORAGE_UNAVAILABLE");
}

TEST_F(RegistryCacheTest, StoredRevisionsAreInTheFutureUntilTheyAreTheNewest) {
  WriteThrough("s");
  WriteBehind(3, "t");
  EXPECT_EQ(Get(3), "REVISION_IN_FUTURE") << "a later Get() without a revision would return revision 2";
  ASSERT_TRUE(cache_.Reload(tenant_).ok());
  EXPECT_EQ(Get(3), Stored(3));
}

TEST_F(RegistryCacheTest, ReloadFindsUnreportedWrites) {
  WriteThrough("s");
  WriteBehind(3, "t");
  EXPECT_EQ(Get(), Stored(2)) << "not known to the cache yet";
  changed_.clear();
  EXPECT_EQ(cache_.Reload(tenant_).value()->state()->revision(), 3);
  EXPECT_EQ(Get(), Stored(3));
  EXPECT_EQ(changed_, std::vector<std::string>{"a"});
}

TEST_F(RegistryCacheTest, ReadsAForgottenTenantFromTheStore) {
  WriteThrough("s");
  WriteBehind(3, "t");
  changed_.clear();
  cache_.Forget(tenant_);
  EXPECT_EQ(changed_, std::vector<std::string>{"a"}) << "its newest revision may have changed";
  EXPECT_EQ(cache_.tenants(), 0u);
  EXPECT_EQ(Get(), Stored(3));
}

TEST_F(RegistryCacheTest, LateAddOfAnOlderWriteDoesNotHideANewerOne) {
  const RegistryState before = *cache_.Get(tenant_, 0).value()->state();
  const RegistryCommit second = Commit(2, "s");
  const RevisionRange range = store_.Commit(tenant_, second).value();
  WriteBehind(3, "t");
  ASSERT_TRUE(cache_.Reload(tenant_).ok());
  changed_.clear();
  cache_.Add(tenant_, range, before.After(second.record));
  EXPECT_EQ(Get(), Stored(3));
  EXPECT_EQ(cache_.Revisions(tenant_)->newest, 3);
  EXPECT_TRUE(changed_.empty());
}

TEST_F(RegistryCacheTest, ReportsEachNewRevision) {
  WriteThrough("s");
  WriteThrough("t");
  EXPECT_EQ(changed_, (std::vector<std::string>{"a", "a"}));
}

TEST_F(RegistryCacheTest, EvictsTheLeastRecentlyUsedTenant) {
  // Large enough for one registry.
  WriteThrough("s");
  RegistryCache small(store_, /*catalogs=*/1, cache_.bytes() + 16, [](const TenantId&) {});
  ASSERT_TRUE(store_.Commit(Tenant("b"), Commit(2, "s")).ok());
  EXPECT_EQ(Get(small, tenant_), Stored());
  EXPECT_EQ(Get(small, Tenant("b")), Loaded(store_, "b"));
  EXPECT_EQ(small.tenants(), 2u) << "revisions are kept";
  FailReads();
  EXPECT_NE(Get(small, Tenant("b")), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(Get(small, tenant_), "STORAGE_UNAVAILABLE");
}

TEST_F(RegistryCacheTest, CallsThatNeedTheSameRegistryShareItsLoad) {
  WriteBehind(2, "s");
  WriteBehind(3, "t");
  const std::string newest = Stored();
  const std::string past = Stored(2);
  const int loads = store_.loads();
  store_.HoldReads();
  std::vector<std::string> got(8);
  std::vector<std::thread> callers;
  for (size_t i = 0; i < got.size(); ++i) callers.emplace_back([&, i] { got[i] = Get(i % 2 == 0 ? 0 : 2); });
  store_.WaitForHeldReads(1);
  const auto late = cache_.Get(tenant_, 0, Clock().Steady() + absl::Milliseconds(10));
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
  store_.ReleaseReads();
  for (std::thread& caller : callers) caller.join();
  for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], i % 2 == 0 ? newest : past);
  EXPECT_EQ(store_.loads() - loads, 2) << "one for each revision";
}

TEST_F(RegistryCacheTest, RejectsCompactedRevisionsWithoutReadingTheStore) {
  FaultInjectingStore store(std::make_unique<MemoryStore>(HistoryLimits{/*max_changes=*/1}));
  RegistryCache cache(store, 1, 1 << 20, [](const TenantId&) {});
  for (int64_t revision = 2; revision < 6; ++revision) {
    ASSERT_TRUE(store.Commit(tenant_, Commit(revision, "s")).ok());
  }
  ASSERT_TRUE(cache.Get(tenant_, 0).ok());
  store.FailReads(StorageUnavailable("gone"));
  EXPECT_EQ(Get(cache, tenant_, 2), "REVISION_COMPACTED");
}

}  // namespace
}  // namespace qconfig
