// SPDX-License-Identifier: Apache-2.0
//
// The part of every engine's contract that concerns RegistryStore::writes().
#include "absl/strings/str_cat.h"
#include "tests/server/registry/storage/store_conformance.h"

namespace qconfig {
namespace {

TEST_P(StoreConformanceTest, CountsTheWritesOfAllTenants) {
  Open({1});
  EXPECT_EQ(store_->writes(), 0);
  for (int i = 0; i < 3; ++i) Commit({});
  ASSERT_TRUE(store_->Commit(Tenant("b"), WithRequest(Write(2, {PutScheme("s")}), "r")).ok());
  EXPECT_EQ(store_->writes(), 4) << "compacted writes count too";
  EXPECT_FALSE(store_->Commit(Tenant("b"), Write(2, {})).ok());
  EXPECT_FALSE(store_->Commit(Tenant("b"), WithRequest(Write(3, {}), "r")).ok());
  Loaded(*store_, "unknown");
  EXPECT_EQ(store_->writes(), 4);
  for (int i = 0; i < 2; ++i) {
    Reopen();
    EXPECT_EQ(store_->writes(), 4);
  }
  Commit({});
  EXPECT_EQ(store_->writes(), 5);
}

TEST_P(StoreConformanceTest, CountsTheTenantsWithWrites) {
  Open({1});
  EXPECT_EQ(store_->tenants(), 0);
  for (int i = 0; i < 3; ++i) Commit({});
  EXPECT_EQ(store_->tenants(), 1);
  ASSERT_TRUE(store_->Commit(Tenant("b"), Write(2, {})).ok());
  EXPECT_FALSE(store_->Commit(Tenant("c"), Write(3, {})).ok());
  Loaded(*store_, "unknown");
  EXPECT_EQ(store_->tenants(), 2);
  const int64_t epoch = store_->BeginEpoch().value();
  ASSERT_TRUE(store_->Commit(Tenant("d"), Write(epoch, {})).ok());
  ASSERT_TRUE(store_->Commit(Tenant("d"), Write(epoch + 1, {})).ok());
  ASSERT_TRUE(store_->Commit(Tenant("b"), Write(epoch, {})).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(store_->tenants(), 3);
    Reopen();
  }
}

TEST_P(StoreConformanceTest, KnowsTheTimesOfTheNewestWrites) {
  EXPECT_EQ(store_->newest_when_opened(), absl::InfinitePast());
  EXPECT_EQ(store_->Revisions(Tenant("a"))->newest_time, absl::InfinitePast());
  for (const auto& [tenant, seconds] : {std::pair("a", 300), std::pair("b", 200), std::pair("c", 100)}) {
    const auto range = store_->Commit(Tenant(tenant), WithTime(Write(2, {}), seconds, 1'000));
    ASSERT_TRUE(range.ok());
    EXPECT_EQ(range->newest_time, absl::FromUnixSeconds(seconds) + absl::Microseconds(1));
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(store_->Revisions(Tenant("b"))->newest_time, absl::FromUnixSeconds(200) + absl::Microseconds(1));
    Reopen();
  }
  if (!GetParam().durable) return;
  EXPECT_EQ(store_->newest_when_opened(), absl::FromUnixSeconds(300) + absl::Microseconds(1));
}

TEST_P(StoreConformanceTest, CheckOfWritingChangesNothing) {
  Commit({PutScheme("s")});
  const std::string before = absl::StrCat(Revisions(), Load(), Changes(1));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(store_->CheckWritable().ok()) << store_->CheckWritable();
    EXPECT_EQ(absl::StrCat(Revisions(), Load(), Changes(1)), before);
    EXPECT_EQ(store_->writes(), 1);
    Reopen();
  }
}

}  // namespace
}  // namespace qconfig
